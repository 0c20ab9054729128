"""What is stored: an instance, a claim, a worker, as msgpack."""

from typing import Final

import msgspec

from rota.model.records import ErrorRecord, InstanceRecord, KindDescriptor, WorkerRecord

__all__ = [
    "Beat", "Claimed", "Entry", "Item", "KindState", "LaneState", "Line", "Lines", "Progress", "Waiting", "decode",
    "encode",
]  # fmt: skip

encode: Final = msgspec.msgpack.Encoder().encode


class Entry(msgspec.Struct, omit_defaults=True):
    """An instance; `state` is its place in `rota.store.histories.STATES`. `seq` is the number of the claim that holds
    it. While it is PROCESSING its token is the revision of this very value, so that no counter is needed."""

    record: InstanceRecord
    state: int
    due_ms: int
    history: bytes
    entries: int
    dropped: int = 0
    expires_ms: int | None = None
    unique: bool = False
    worker: str | None = None
    seq: int = 0
    token: int = 0
    settled: int = 0
    attempt: int = 0
    crashes: int = 0
    started_ms: int | None = None
    ended_ms: int | None = None
    reason: str | None = None
    result: bytes | None = None
    error: ErrorRecord | None = None


class Item(msgspec.Struct, array_like=True):
    """One instance of a claim; a `token` of 0 is the revision of the value that it stands in."""

    id: bytes
    token: int
    attempt: int
    due_ms: int
    started_ms: int
    crashes: int


class Claimed(msgspec.Struct, array_like=True):
    """What a claim answered, and how many of it have not ended."""

    items: list[Item]
    left: int


class Beat(msgspec.Struct, array_like=True):
    """The last beat of a worker. `until_ms` is the end of its lease by the store's clock, or by the monotonic clock of
    the run `boot` of its machine; with a client's clock the lease is `lease_ms` from when this was first seen."""

    info: WorkerRecord
    lease_ms: int
    until_ms: int
    boot: str
    n: int


class KindState(msgspec.Struct, array_like=True):
    """What is kept of a kind beside its instances; `name` because its key may be a digest."""

    descriptor: KindDescriptor | None = None
    paused: bool = False
    name: str = ""


class LaneState(msgspec.Struct, array_like=True):
    """What is kept of a lane: how many run and how many wait, what it has of its rate, the place of its head in the
    ready order, when it is to be looked at again, and what was counted as held back."""

    name: str
    running: int = 0
    tat_us: int = 0
    head: bytes | None = None
    timer_ms: int | None = None
    waiting: int = 0
    held: int = 0


class Waiting(msgspec.Struct, array_like=True):
    """The gate of a dependent: how many parents it has, how many have not ended, and how many it was bound to."""

    total: int
    left: int
    bound: int = 0


class Lines(msgspec.Struct, array_like=True):
    """The lines kept of an instance: positions [first, end), their size in bytes, the position of the oldest block.
    `seen` are the numbers of the lines that came of each of its last attempts, by token, as ranges [lowest, highest]:
    a line that comes again is known."""

    first: int = 0
    end: int = 0
    size: int = 0
    block: int = 0
    seen: dict[int, list[tuple[int, int]]] = {}


class Line(msgspec.Struct, array_like=True):
    """A line as it stands in a block."""

    token: int
    n: int
    at_ms: int
    level: int
    message: str
    attempt: int


class Progress(msgspec.Struct, array_like=True):
    """The last progress told, and by which line of which attempt."""

    token: int
    n: int
    progress: float
    message: str


class decode:  # noqa: N801 - a table of functions
    """Decoders by what they read."""

    entry: Final = msgspec.msgpack.Decoder(Entry).decode
    claimed: Final = msgspec.msgpack.Decoder(Claimed).decode
    beat: Final = msgspec.msgpack.Decoder(Beat).decode
    kind: Final = msgspec.msgpack.Decoder(KindState).decode
    lines: Final = msgspec.msgpack.Decoder(Lines).decode
    block: Final = msgspec.msgpack.Decoder(list[Line]).decode
    progress: Final = msgspec.msgpack.Decoder(Progress).decode
    integer: Final = msgspec.msgpack.Decoder(int).decode
    counts: Final = msgspec.msgpack.Decoder(tuple[str, list[int]]).decode
    gone: Final = msgspec.msgpack.Decoder(tuple[str, str]).decode
    lane: Final = msgspec.msgpack.Decoder(LaneState).decode
    waiting: Final = msgspec.msgpack.Decoder(Waiting).decode
    record: Final = msgspec.msgpack.Decoder(InstanceRecord).decode
    text: Final = msgspec.msgpack.Decoder(str).decode
    flag: Final = msgspec.msgpack.Decoder(bool).decode
    state: Final = msgspec.msgpack.Decoder(int).decode
