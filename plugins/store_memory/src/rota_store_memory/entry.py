"""One instance as the store holds it: what was asked for, and all that changes.

An `Entry` is the item of every structure of the store (queues, indexes, leases), so that a dead one
is recognised by its own fields and no structure has to be searched when it ends. Neither the entry nor
what it refers to is tracked by the garbage collector: a million of them cost a collection nothing.
"""

from typing import Final, TypeAlias

import msgspec

from rota.model.records import ErrorRecord, InstanceRecord
from rota.model.state import State

__all__ = [
    "AT_ONCE", "CANCELED", "COMPLETED", "CREATED", "PROCESSING", "SCHEDULED", "TERMINATED", "TIMED_OUT", "Entry",
    "Flat",
]  # fmt: skip

# Reading a member off the enum class costs several times a module's global.
CREATED: Final = State.CREATED
SCHEDULED: Final = State.SCHEDULED
PROCESSING: Final = State.PROCESSING
COMPLETED: Final = State.COMPLETED
TERMINATED: Final = State.TERMINATED
CANCELED: Final = State.CANCELED
TIMED_OUT: Final = State.TIMED_OUT

AT_ONCE: Final = -1  #: released in the step that enqueued it

#: A history without its first two entries, as one flat tuple (see `history`).
Flat: TypeAlias = tuple[int | str | ErrorRecord | None, ...]

_HOLLOW: Final = InstanceRecord(id="", kind="", arguments=b"", rank=0, created_ms=0)


class Entry(msgspec.Struct, order=True, gc=False, weakref=False):
    """An instance. The first three fields are the ready order: (rank, due, id).

    `due_ms` changes only while the entry stands in no heap. `delayed` tells the heap that a queued
    entry stands in. `token` is 0 until the first claim. `settled` is the last token that was settled.
    `scheduled_ms` is when one that waited for parents was released, None until then.
    """

    rank: int
    due_ms: int
    id: str
    record: InstanceRecord
    enqueued_ms: int
    expires_ms: int | None = None
    delayed: bool = False
    state: State = SCHEDULED
    token: int = 0
    settled: int = 0
    attempt: int = 0
    crashes: int = 0
    worker: str | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    reason: str | None = None
    error: ErrorRecord | None = None
    result: bytes | None = None
    cancel_requested: bool = False
    history: Flat = ()
    dropped: int = 0
    scheduled_ms: int | None = AT_ONCE

    @property
    def ended(self) -> bool:
        """True once the state is final."""
        return self.ended_ms is not None

    @property
    def hollow(self) -> bool:
        """True once `empty` was called."""
        return self.record is _HOLLOW

    def empty(self) -> None:
        """Give up what a purged entry holds; the shell may stand in an index until that is compacted.

        Its id moves to just behind its own place, where no other can be: when the same id is enqueued
        again the two still compare, and every order still holds.
        """
        self.id += "~"
        self.record = _HOLLOW
        self.result = self.error = self.reason = self.worker = None
        self.history = ()
