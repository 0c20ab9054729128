"""One instance as a row: what was asked for, and all that changes."""

from typing import Final

import msgspec

from rota.model.records import ErrorRecord, InstanceRecord, Snapshot
from rota.store.histories import FINAL, NUMBER, STATES

__all__ = [
    "AFTER_ALL", "BEFORE_ALL", "COLUMNS", "COUNTED_DELAYED", "COUNTED_HELD", "DELAYED", "Entry", "FINAL", "IN_LANE",
    "NOWHERE", "NUMBER", "READY", "STATES", "as_bytes", "decode_error", "decode_record", "encode",
]  # fmt: skip

#: Where a queued instance stands: the column `place`.
NOWHERE, READY, DELAYED, IN_LANE = range(4)

#: What is counted of a kind besides its states: in the column `state` of `counter`.
COUNTED_HELD, COUNTED_DELAYED = -1, -2

BEFORE_ALL: Final = -(2**62)  #: an instant before any
AFTER_ALL: Final = 2**62

encode: Final = msgspec.msgpack.Encoder().encode
decode_record: Final = msgspec.msgpack.Decoder(InstanceRecord).decode
decode_error: Final = msgspec.msgpack.Decoder(ErrorRecord).decode


class Entry(msgspec.Struct):
    """A row of `instance`. The fields stand in the order of `COLUMNS`; `state` is a number."""

    n: int
    id: bytes
    kind: int
    state: int
    place: int
    rank: int
    due_ms: int
    lane: str | None
    unique_key: str | None
    expires_ms: int | None
    worker: str | None
    token: int
    settled: int
    attempt: int
    crashes: int
    cancel: int
    started_ms: int | None
    ended_ms: int | None
    reason: str | None
    record: bytes
    result: bytes | None
    error: bytes | None
    history: bytes
    entries: int
    dropped: int
    progress: float | None
    progress_message: str | None

    @property
    def ended(self) -> bool:
        """True once the state is final."""
        return self.ended_ms is not None

    def snapshot(self, waiting_for: float | None = None) -> Snapshot:
        """The instance as it stands; `waiting_for` is the part of its parents that have ended, where it waits."""
        record = decode_record(self.record)
        return Snapshot(
            record=record,
            state=STATES[self.state],
            due_ms=self.due_ms,
            attempt=self.attempt,
            token=self.token,
            crashes=self.crashes,
            expires_ms=self.expires_ms,
            started_ms=self.started_ms,
            ended_ms=self.ended_ms,
            worker=self.worker,
            reason=self.reason,
            progress=self.progress if waiting_for is None else waiting_for,
            progress_message=self.progress_message or "",
            cancel_requested=bool(self.cancel) and not self.ended,
            result=self.result,
            error=None if self.error is None else decode_error(self.error),
        )


def as_bytes(instance_id: str) -> bytes:
    """The stored form of an id; of a text that is none, something that no instance has."""
    try:
        return bytes.fromhex(instance_id)
    except ValueError:
        return instance_id.encode("utf-8", "surrogatepass")


COLUMNS: Final = ", ".join(Entry.__struct_fields__)
