"""What a job's function came to in another process, as data: the worker judges it."""

from typing import TypeAlias

import msgspec

from rota.model.records import ErrorRecord

__all__ = ["Answer", "Died", "Failed", "Returned"]


class Returned(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="returned"):
    """The function returned; `data` is the encoded result."""

    data: bytes


class Failed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="failed"):
    """The function raised, or could not be called. `bases` are the qualified names of the exception's class and of
    its bases, by which `Retry.on` is matched; `retriable` is False for what no retry can mend."""

    error: ErrorRecord
    bases: tuple[str, ...] = ()
    retriable: bool = True


class Died(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="died"):
    """The process ended under the job; `how` says so in words."""

    how: str


Answer: TypeAlias = Returned | Failed | Died
