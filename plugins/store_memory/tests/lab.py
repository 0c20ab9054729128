"""A store under a clock that stands still, with short words for what tests do with it."""

import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

from rota.model.ids import IdSource
from rota.model.query import InstanceFilter, PurgeFilter
from rota.model.records import (
    BeatReply,
    Claim,
    Ending,
    InstanceRecord,
    Outcome,
    SettleAnswer,
    Snapshot,
    TransitionRecord,
    WorkerRecord,
)
from rota.model.state import State
from rota.testing import FakeClock, wait_until
from rota_store_memory.store import MemoryStore, open_store

__all__ = ["LEASE_MS", "Lab"]

T = TypeVar("T")

LEASE_MS = 15_000


class Lab:
    """One private store, its clock, ids and threads."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.store: MemoryStore = open_store("memory://", namespace="lab", clock=self.clock)
        self._ids = IdSource(self.clock, random.Random(7))
        self._seqs = count(1)
        self._pool: ThreadPoolExecutor | None = None

    # ---- asking for work

    def record(self, **fields: Any) -> InstanceRecord:
        """A record of kind "add" unless said otherwise."""
        values: dict[str, Any] = {"id": self._ids.one(), "kind": "add", "arguments": b"[]", "rank": 5}
        return InstanceRecord(**{**values, "created_ms": self.clock.now_ms(), **fields})

    def add(self, **fields: Any) -> str:
        """Enqueue one; its id."""
        record = self.record(**fields)
        assert ["added"] == [answer.status for answer in self.store.enqueue([record])]
        return record.id

    def add_many(self, number: int, **fields: Any) -> list[str]:
        """Enqueue several in one call; their ids."""
        records = [self.record(**fields) for _ in range(number)]
        self.store.enqueue(records)
        return [record.id for record in records]

    # ---- working

    def beat(self, worker: str = "w", lease_ms: int = LEASE_MS, wait_ms: int = 0, **info: Any) -> BeatReply:
        """A beat."""
        return self.store.beat(worker, lease_ms, WorkerRecord(id=worker, **info), wait_ms)

    def claim(
        self, worker: str = "w", limit: int = 100, kinds: tuple[str, ...] = ("add",), wait_ms: int = 0
    ) -> list[Claim]:
        """A new claim, by a worker that beats first when it is not live."""
        if worker not in [record.id for record in self.store.workers()]:
            self.beat(worker)
        return self.store.claim(worker, next(self._seqs), kinds, limit, wait_ms)

    def claim_one(self, worker: str = "w", **options: Any) -> Claim:
        """Claim the only one that is due."""
        (claim,) = self.claim(worker, **options)
        return claim

    def claimed_ids(self, **options: Any) -> list[str]:
        """The ids of a new claim."""
        return [claim.record.id for claim in self.claim(**options)]

    def settle(self, claim: Claim, ending: Ending = Ending.COMPLETED, **fields: Any) -> SettleAnswer:
        """Settle one claim."""
        (answer,) = self.store.settle([Outcome(claim.record.id, claim.token, ending, **fields)])
        return answer

    def run(self, *, ending: Ending = Ending.COMPLETED, **fields: Any) -> str:
        """Enqueue one before all others of its kind, claim and settle it; its id."""
        instance_id = self.add(rank=-(10**6), **fields)
        claim = self.claim_one(limit=1, kinds=(fields.get("kind", "add"),))
        self.settle(claim, ending)
        return instance_id

    # ---- looking

    def get(self, instance_id: str) -> Snapshot:
        """One instance that is there."""
        (snapshot,) = self.store.get([instance_id])
        assert snapshot is not None
        return snapshot

    def state(self, instance_id: str) -> State:
        """Where it stands."""
        return self.get(instance_id).state

    def history(self, instance_id: str) -> list[TransitionRecord]:
        """Its history entries."""
        (history,) = self.store.history([instance_id])
        assert history is not None
        return list(history.entries)

    def path(self, instance_id: str) -> list[str]:
        """The states it went through, by value."""
        return [entry.state.value for entry in self.history(instance_id)]

    def find_all(self, limit: int = 100, **query: Any) -> list[str]:
        """The ids on all pages of an answer."""
        found, cursor = [], None
        while True:
            page = self.store.find(InstanceFilter(**query), cursor, limit)
            found += [item.record.id for item in page.items]
            if page.cursor is None:
                return found
            cursor = page.cursor

    def purge_all(self) -> int:
        """Purge until there is nothing finished."""
        total = 0
        while removed := self.store.purge(PurgeFilter()):
            total += removed
        return total

    def held(self) -> int:
        """Everything that the namespace keeps of instances, dead entries included."""
        space = self.store._space
        parts = (
            space.entries, space.queues, space.logs, space.expiry, space.endings, space.log_readers, space.dependents,
        )  # fmt: skip
        return sum(map(len, parts)) + len(space.leases.live) + len(space.leases.orphans)

    # ---- threads

    def background(self, call: Callable[[], T]) -> "Future[T]":
        """`call` in a thread of its own."""
        self._pool = self._pool or ThreadPoolExecutor(64)
        return self._pool.submit(call)

    def blocked(self, call: Callable[[], T]) -> "Future[T]":
        """`call` in a thread of its own, once it sleeps."""
        before = self.clock.waiters
        future = self.background(call)
        self.until_asleep(before + 1)
        return future

    def until_asleep(self, number: int) -> None:
        """Return once `number` calls sleep."""
        wait_until(lambda: self.clock.waiters == number, description=f"{number} blocked calls")

    def close(self) -> None:
        """End everything that is blocked, and the threads."""
        self.store.close()
        if self._pool is not None:
            self._pool.shutdown()
