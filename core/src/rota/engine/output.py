"""Outputs: what stands in arguments for the result of another instance.

Stored, an output is a reference: msgpack extension type 1 with the 16 bytes of the instance's id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final
from uuid import UUID

import msgspec

__all__ = ["Output", "from_reference", "references_in", "substituted"]

_REFERENCE: Final = 1
_ID_BYTES: Final = 16


@final
@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """What `source` will have returned: an instance, by its id (a UUID, or as it is stored), or a call that is not
    scheduled yet.

    It may stand for an argument, and in a list, a tuple or the values of a dict among them.
    """

    source: Any

    @property
    def reference(self) -> msgspec.msgpack.Ext | None:
        """The stored form; None for the output of a call, which has no id yet."""
        source = self.source
        if isinstance(source, str):
            return msgspec.msgpack.Ext(_REFERENCE, bytes.fromhex(source))
        return msgspec.msgpack.Ext(_REFERENCE, source.bytes) if isinstance(source, UUID) else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Output):
            return NotImplemented
        return self.source is other.source or (isinstance(self.source, UUID) and self.source == other.source)

    def __hash__(self) -> int:
        return hash(self.source) if isinstance(self.source, UUID) else id(self.source)

    def __repr__(self) -> str:
        return f"<output of {getattr(self.source, 'kind', self.source)}>"


def from_reference(code: int, data: memoryview) -> Output:
    """What an extension of msgpack stands for. Raises: ValueError when it is none of ours."""
    return Output(UUID(_id(code, data)))


def _id(code: int, data: memoryview) -> str:
    if code != _REFERENCE or len(data) != _ID_BYTES:
        raise ValueError(f"extension type {code} of {len(data)} bytes is none of rota's")
    return data.hex()


def references_in(data: bytes) -> list[str]:
    """The ids that stored arguments refer to, each once. Raises what msgspec does for what is no msgpack."""
    found: dict[str, None] = {}
    msgspec.msgpack.decode(data, ext_hook=lambda code, ext: found.setdefault(_id(code, ext)))
    return list(found)


def substituted(data: bytes, results: Mapping[str, bytes]) -> bytes:
    """Stored arguments with the stored results, by id, in the place of references. KeyError for one that is missing."""

    def result(code: int, found: memoryview) -> msgspec.Raw:
        return msgspec.Raw(results[_id(code, found)])

    return msgspec.msgpack.encode(msgspec.msgpack.decode(data, ext_hook=result))
