"""The queue on a KV that has the smallest bounds, and fails when it is told to."""

from typing import Any

from core.tests.store.kv.failing_kv import FailingKV
from core.tests.store.kv.memory_kv import Space

from rota.model.records import InstanceRecord, KindDescriptor, LimitRecord, WorkerRecord
from rota.store.histories import STATES
from rota.store.kv.entry import decode
from rota.store.kv.hub import Hub
from rota.store.kv.keys import as_bytes
from rota.store.kv.queue_operations import QueueOperations
from rota.testing import FakeClock


class Queue(QueueOperations):
    """One client of its own; the worker "w" lives."""

    __slots__ = ("clock", "kv")

    def __init__(self, space: Space | None = None, clock: FakeClock | None = None, namespace: str = "test") -> None:
        self.clock = clock or FakeClock()
        self.kv = FailingKV(space or Space(), self.clock)
        super().__init__(Hub(self.kv), namespace, self.clock)
        self.beat("w", 60_000, WorkerRecord(id="w"))

    def publish(self, kind: str, *limits: LimitRecord) -> None:
        """Give a kind its limits."""
        self._change(lambda step: step.put_kind(kind, KindDescriptor(kind=kind, limits=limits), False))

    def state(self, number: int) -> tuple[str, int]:
        """The state and the number of entries in the history."""
        entry = self._step().peek_entry(as_bytes(id_of(number)))
        assert entry is not None
        return STATES[entry.state].name, entry.entries

    def keys(self, letters: bytes) -> list[bytes]:
        """The keys with one of these letters."""
        start = len(self._keys.all)
        return [key for key in self.kv.space.order if key[start] in letters]

    def numbers(self) -> dict[str, list[int]]:
        """What the counters of each kind add up to."""
        found: dict[str, list[int]] = {}
        for key in self.keys(b"o"):
            kind, numbers = decode.counts(self.kv.space.values[key][0])
            found[kind] = [one + other for one, other in zip(found.get(kind, [0] * len(numbers)), numbers, strict=True)]
        return found


def id_of(number: int) -> str:
    """The id of an instance."""
    return f"{number:032x}"


def record(number: int, *parents: int, kind: str = "add", failure: str = "cancel", **others: Any) -> InstanceRecord:
    """An instance."""
    return InstanceRecord(
        id=id_of(number), kind=kind, arguments=b"[]", rank=5, created_ms=0, depends_on=tuple(map(id_of, parents)),
        on_parent_failure=failure, **others,
    )  # type: ignore[arg-type]  # fmt: skip
