"""The model behind the contract's operations: it refuses what it does not declare, and never blocks."""

from collections.abc import Iterable, Sequence

from rota.model.clock import Clock
from rota.model.errors import ConfigError, QueryError, UnsupportedFeature
from rota.model.query import InstanceFilter, LogFilter, PurgeFilter
from rota.model.records import (
    BeatReply,
    Claim,
    Document,
    EnqueueAnswer,
    FindPage,
    History,
    InstanceRecord,
    KindDescriptor,
    KindStats,
    LogPage,
    LogRecord,
    Outcome,
    Reaped,
    ScheduleRecord,
    SettleAnswer,
    Snapshot,
    WorkerRecord,
)
from rota.model.state import State
from rota.store.contract import CancelAnswer, Feature, FireAnswer, StoreCapabilities
from rota_conformance.model import observation, queue, rules, workers
from rota_conformance.model.book import Book

__all__ = ["ReferenceStore"]

_ALL: tuple[Feature, ...] = ("dependencies", "limits", "rate", "exact_count")


class ReferenceStore:
    """One namespace of the model. Two on one `book` are two clients of it. For one thread.

    It follows `clock`, which the caller moves. What a store may choose (tokens, versions, cursors, the text of errors)
    it chooses in its own way: `rota_conformance.likeness` tells what has to be equal.
    """

    def __init__(
        self,
        clock: Clock,
        namespace: str = "model",
        book: Book | None = None,
        capabilities: StoreCapabilities | None = None,
    ) -> None:
        self.book = book or Book()
        self.namespace = namespace
        self.capabilities = capabilities or StoreCapabilities(features=frozenset(_ALL), clock="host", min_lease_ms=1)
        self._clock = clock

    # ---- life cycle

    def open(self) -> None:
        """Nothing to connect to."""

    def close(self) -> None:
        """Nothing to let go of."""

    def clear(self, *, force: bool = False) -> None:
        """Remove everything."""
        if not force and self.workers():
            raise ConfigError("workers live here")
        for one in (getattr(self.book, name) for name in Book.__slots__):
            if not isinstance(one, int):
                one.clear()

    def now_ms(self) -> int:
        """The clock that was given."""
        return self._clock.now_ms()

    def _monotonic_ms(self) -> int:
        return round(self._clock.monotonic() * 1000)

    # ---- the queue

    def enqueue(self, records: Sequence[InstanceRecord]) -> list[EnqueueAnswer]:
        """Add instances."""
        for record in records:
            self._refuse(record)
        largest = self.capabilities.max_payload_bytes
        return [queue.enqueue(self.book, record, largest, self.now_ms()) for record in records]

    def claim(self, worker: str, seq: int, kinds: Sequence[str], limit: int, wait_ms: int = 0) -> list[Claim]:
        """Hand out what is due now; never blocks."""
        return list(queue.claim(self.book, worker, seq, kinds, limit, self.now_ms()))

    def settle(self, outcomes: Sequence[Outcome]) -> list[SettleAnswer]:
        """End attempts."""
        for outcome in outcomes:
            for record in outcome.followups:
                self._refuse(record)
        return queue.settle(self.book, outcomes, self.capabilities.max_payload_bytes, self.now_ms())

    def cancel(self, ids: Sequence[str], where: frozenset[State] | None = None) -> list[CancelAnswer]:
        """Cancel, or ask the worker to."""
        return [queue.cancel(self.book, one, where, self.now_ms()) for one in ids]

    def reap(self, limit: int = 100) -> list[Reaped]:
        """Take back what the dead hold."""
        return workers.reap(self.book, limit, self.now_ms(), self._monotonic_ms())

    def pause(self, kinds: Iterable[str]) -> None:
        """Let no claim take these kinds."""
        self.book.paused.update(kinds)

    def resume(self, kinds: Iterable[str]) -> None:
        """Undo `pause`."""
        self.book.paused.difference_update(kinds)

    # ---- workers

    def beat(self, worker: str, lease_ms: int, info: WorkerRecord, wait_ms: int = 0) -> BeatReply:
        """Renew a lease; never blocks."""
        return workers.beat(self.book, worker, lease_ms, info, self.now_ms(), self._monotonic_ms())

    def retire(self, worker: str) -> None:
        """Forget a worker."""
        workers.retire(self.book, worker, self.now_ms())

    def workers(self) -> list[WorkerRecord]:
        """Live workers."""
        return workers.living(self.book, self._monotonic_ms())

    def resize(self, worker: str, concurrency: int) -> bool:
        """Ask for slots."""
        return workers.resize(self.book, worker, concurrency, self._monotonic_ms())

    def wait(self, worker: str, kinds: Sequence[str], timeout_ms: int) -> None:
        """Return early, as is allowed."""

    def interrupt(self, waiter: str) -> None:
        """Nobody is ever blocked."""

    # ---- kinds, rules, documents

    def put_kinds(self, descriptors: Sequence[KindDescriptor]) -> None:
        """Publish kinds. Raises: UnsupportedFeature."""
        for limit in (limit for descriptor in descriptors for limit in descriptor.limits):
            self._require("limits" if limit.max_running is not None else "rate")
        self.book.kinds.update((descriptor.kind, descriptor) for descriptor in descriptors)

    def kinds(self) -> list[KindDescriptor]:
        """What was published."""
        return [one for _, one in sorted(self.book.kinds.items())]

    def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord:
        """Add or change a rule."""
        return rules.put_schedule(self.book, schedule)

    def drop_schedule(self, name: str, owner: str | None = None) -> bool:
        """Forget a rule."""
        return self.book.schedules.pop((name, owner or ""), None) is not None

    def schedules(self) -> list[ScheduleRecord]:
        """All rules."""
        return [one for _, one in sorted(self.book.schedules.items())]

    def fire(
        self, schedule: ScheduleRecord, slot_ms: int, next_ms: int | None, records: Sequence[InstanceRecord]
    ) -> FireAnswer:
        """Pass a slot."""
        largest = self.capabilities.max_payload_bytes
        return rules.fire(self.book, schedule, slot_ms, next_ms, records, largest, self.now_ms())

    def load(self, keys: Sequence[str]) -> list[Document | None]:
        """Documents by key."""
        return [self.book.documents.get(key) for key in keys]

    def save(self, documents: Sequence[Document]) -> list[int] | None:
        """Write all or none."""
        return rules.save(self.book, documents)

    def scan(self, prefix: str, cursor: str | None = None, limit: int = 100) -> tuple[list[Document], str | None]:
        """Documents by prefix."""
        keys = sorted(key for key in self.book.documents if key.startswith(prefix) and key > (cursor or ""))
        page = [self.book.documents[key] for key in keys[:limit]]
        return page, keys[limit - 1] if len(keys) > limit else None

    # ---- observation

    def get(self, ids: Sequence[str]) -> list[Snapshot | None]:
        """Instances as they stand."""
        there = self.book.instances
        return [observation.snapshot(self.book, there[one]) if one in there else None for one in ids]

    def find(self, query: InstanceFilter, cursor: str | None = None, limit: int = 100) -> FindPage:
        """A page; the cursor is the last id."""
        if cursor is not None and cursor not in self.book.instances:
            raise QueryError(f"{cursor!r} is no cursor")
        found = observation.matching(self.book, query)
        if cursor is not None:
            found = [one for one in found if (one.record.id < cursor) == query.newest_first and one.record.id != cursor]
        return FindPage(tuple(found[:limit]), found[limit - 1].record.id if len(found) > limit else None)

    def count(self, query: InstanceFilter, limit: int | None = None) -> int:
        """How many match."""
        return len(observation.matching(self.book, query)[:limit])

    def stats(self, kinds: Iterable[str] | None = None) -> list[KindStats]:
        """Numbers by kind."""
        return observation.stats(self.book, kinds, self.now_ms())

    def history(self, ids: Sequence[str]) -> list[History | None]:
        """What happened to each."""
        there = self.book.instances
        return [there[one].history() if one in there else None for one in ids]

    def append_logs(self, lines: Sequence[LogRecord]) -> None:
        """Keep lines."""
        for line in lines:
            observation.append_log(self.book, line)

    def logs(self, query: LogFilter, timeout_ms: int = 0) -> LogPage:
        """Lines that are there; never blocks."""
        return observation.logs(self.book, query)

    def await_final(self, ids: Sequence[str], timeout_ms: int, waiter: str = "") -> list[str]:
        """Those that have ended by now; never blocks."""
        return [one for one, found in zip(ids, self.get(ids), strict=True) if found is None or found.state.final]

    def purge(self, query: PurgeFilter, limit: int = 1000) -> int:
        """Remove what is finished."""
        return queue.purge(self.book, query, limit)

    # ---- refusal

    def _refuse(self, record: InstanceRecord) -> None:
        if record.depends_on:
            self._require("dependencies")
        if record.lane is not None and "rate" not in self.capabilities.features:
            self._require("limits")

    def _require(self, feature: Feature) -> None:
        if feature not in self.capabilities.features:
            raise UnsupportedFeature(f"the model was told not to have {feature!r}", feature)
