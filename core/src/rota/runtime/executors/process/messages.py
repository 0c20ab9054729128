"""What worker and child say to each other, as msgpack; nothing is pickled."""

from typing import Final, Literal, TypeAlias

import msgspec

from rota.model.records import Claim
from rota.runtime.answer import Failed, Returned
from rota.runtime.outside import ClientTerms

__all__ = [
    "DECODE_ASKED", "DECODE_FROM_CHILD", "DECODE_TERMS", "DECODE_TO_CHILD", "ENCODE", "Asked", "Broken", "End",
    "FromChild", "Line", "Ready", "Task", "Terms", "ToChild", "Worn",
]  # fmt: skip


class Terms(msgspec.Struct, frozen=True):
    """What a child is told at its start. `lifespan` is "module:qualname"."""

    client: ClientTerms
    max_payload_bytes: int
    lifespan: str | None = None
    max_rss_bytes: int | None = None


class Task(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="task"):
    """Run a job. `number` counts the tasks of a child from 1; `function` is "module:qualname". `arguments` stands for
    the record's own where they differ; `left_s` is the time to the deadline."""

    number: int
    function: str
    claim: Claim
    worker: str
    arguments: bytes | None = None
    left_s: float | None = None


class End(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="end"):
    """Leave the lifespan, and exit."""


class Asked(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The task of that number should end; on a pipe of its own, since a child reads no other while it works."""

    number: int
    why: Literal["canceled", "deadline", "lost", "stopping"]


class Ready(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="ready"):
    """The lifespan is entered: the first thing that a child says."""


class Broken(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="broken"):
    """Or this, and it exits: why it can't start."""

    why: str


class Line(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="line"):
    """A log line of the running task; with `progress` (0 to 1) how far it got."""

    level: int
    message: str
    progress: float | None = None


class Worn(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="worn"):
    """The child has grown over its bound on memory: let this task be its last."""


ToChild: TypeAlias = Task | End
FromChild: TypeAlias = Ready | Broken | Line | Worn | Returned | Failed

ENCODE: Final = msgspec.msgpack.Encoder().encode
DECODE_TERMS: Final = msgspec.msgpack.Decoder(Terms).decode
DECODE_TO_CHILD: Final = msgspec.msgpack.Decoder(ToChild).decode
DECODE_FROM_CHILD: Final = msgspec.msgpack.Decoder(FromChild).decode
DECODE_ASKED: Final = msgspec.msgpack.Decoder(Asked).decode
