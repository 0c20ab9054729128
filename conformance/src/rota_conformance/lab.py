"""A namespace of the store under test, its time, and short words for what tests do with it."""

import random
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from functools import partial
from itertools import count
from threading import Barrier, Event, Thread
from typing import Any, Final, TypeVar

from rota.model.clock import Clock, SystemClock
from rota.model.ids import IdSource
from rota.model.query import InstanceFilter, PurgeFilter
from rota.model.records import (
    BeatReply,
    Claim,
    Ending,
    InstanceRecord,
    Outcome,
    Reaped,
    ScheduleRecord,
    SettleAnswer,
    Snapshot,
    TransitionRecord,
    TriggerRecord,
    WorkerRecord,
)
from rota.model.state import State
from rota.store.contract import Store
from rota.testing import FakeClock, wait_until
from rota_conformance.harness import StoreHarness

__all__ = ["KIND", "Lab", "wait_until"]

T = TypeVar("T")

KIND: Final = "add"
_REAL_UNIT_MS: Final = 150
_FAKE_UNIT_MS: Final = 1_000
_BLOCKED_S: Final = 0.05
_SURE_S: Final = 20.0
_RECOVERY_MS: Final = 5_000
_OFTEN_S: Final = 1e-5


class Lab:
    """One fresh namespace. Times are told in units: `unit_ms` is a second where the clock can be moved, and short
    where a test really has to wait; with `real_time` it does in any case, since other processes go by that clock."""

    def __init__(self, harness: StoreHarness, seed: int = 0, *, real_time: bool = False) -> None:
        self.harness = harness
        self.namespace = f"conformance-{uuid.uuid4().hex}"
        self.rng = random.Random(seed)
        self.clock: Clock = FakeClock()
        self._clients: list[Store] = []
        self.store = self.client()
        self.capabilities = self.store.capabilities
        self.moves_time = self.capabilities.clock == "host" and not real_time
        if not self.moves_time:
            self.clock = SystemClock()
            self._clients.remove(self.store)
            self.store.close()
            self.store = self.client()
        resolution_ms = self.capabilities.time_resolution_ms
        self.unit_ms = _FAKE_UNIT_MS if self.moves_time else max(_REAL_UNIT_MS, 4 * resolution_ms)
        self.lease_ms = max(15 * self.unit_ms, self.capabilities.min_lease_ms)
        self.short_ms = max(4 * self.unit_ms, self.capabilities.min_lease_ms)
        self._ids = IdSource(self.clock, self.rng)
        self._seqs = count(1)
        self._threads: list[Thread] = []

    def client(self, namespace: str | None = None, clock: Clock | None = None) -> Store:
        """Another client of this namespace, or of another one, by this clock or another one; closed in the end."""
        store = self.harness.open(namespace or self.namespace, clock or self.clock)
        self._clients.append(store)
        return store

    def has(self, feature: str) -> bool:
        """Whether the store declares it."""
        return feature in self.capabilities.features

    # ---- time

    def pass_ms(self, duration_ms: float) -> None:
        """Let so many milliseconds of the store's clock go by."""
        if isinstance(self.clock, FakeClock):
            self.clock.advance(duration_ms / 1000)
            return
        until = self.store.now_ms() + duration_ms
        while (left_ms := until - self.store.now_ms()) > 0:
            Event().wait(left_ms / 1000)

    def pass_units(self, units: float) -> None:
        """Let so many units go by."""
        self.pass_ms(units * self.unit_ms)

    # ---- asking for work

    def id(self) -> str:
        """A new id."""
        return self._ids.one()

    def record(self, **fields: Any) -> InstanceRecord:
        """A record of kind "add" unless said otherwise."""
        values: dict[str, Any] = {"id": self.id(), "kind": KIND, "arguments": b"[]", "rank": 5}
        return InstanceRecord(**{**values, "created_ms": self.clock.now_ms(), **fields})

    def add(self, **fields: Any) -> str:
        """Enqueue one; its id."""
        record = self.record(**fields)
        answers = self.store.enqueue([record])
        assert [answer.status for answer in answers] == ["added"], answers
        return record.id

    def add_many(self, number: int, **fields: Any) -> list[str]:
        """Enqueue several in one call; their ids."""
        records = [self.record(**fields) for _ in range(number)]
        answers = self.store.enqueue(records)
        assert {"added"} == {answer.status for answer in answers}
        return [record.id for record in records]

    def rule(self, name: str = "rule", **fields: Any) -> ScheduleRecord:
        """A recurring rule; its template asks for kind "add"."""
        template = fields.pop("template", None) or self.record(id="", created_ms=0)
        trigger = fields.pop("trigger", None) or TriggerRecord("every", period_ms=60_000)
        return ScheduleRecord(name=name, trigger=trigger, template=template, **fields)

    # ---- working

    def beat(
        self, worker: str = "w", lease_ms: int = 0, wait_ms: int = 0, store: Store | None = None, **info: Any
    ) -> BeatReply:
        """A beat, of the lab's lease unless said otherwise."""
        return (store or self.store).beat(worker, lease_ms or self.lease_ms, WorkerRecord(id=worker, **info), wait_ms)

    def claim(
        self,
        worker: str = "w",
        limit: int = 100,
        kinds: tuple[str, ...] = (KIND,),
        wait_ms: int = 0,
        store: Store | None = None,
    ) -> list[Claim]:
        """A new claim, by a worker that beats first when it is not live."""
        store = store or self.store
        if worker not in [record.id for record in store.workers()]:
            self.beat(worker, store=store)
        return store.claim(worker, next(self._seqs), kinds, limit, wait_ms)

    def claim_one(self, worker: str = "w", **options: Any) -> Claim:
        """Claim the only one that is due."""
        (claim,) = self.claim(worker, **options)
        return claim

    def claimed_ids(self, worker: str = "w", **options: Any) -> list[str]:
        """The ids of a new claim."""
        return [claim.record.id for claim in self.claim(worker, **options)]

    def claim_all(self, worker: str = "w", **options: Any) -> list[Claim]:
        """Claim until nothing is due."""
        found: list[Claim] = []
        while some := self.claim(worker, **options):
            found += some
        return found

    def settle(
        self, claim: Claim, ending: Ending = Ending.COMPLETED, store: Store | None = None, **fields: Any
    ) -> SettleAnswer:
        """Settle one claim."""
        (answer,) = (store or self.store).settle([Outcome(claim.record.id, claim.token, ending, **fields)])
        return answer

    def run(self, ending: Ending = Ending.COMPLETED, settling: dict[str, Any] | None = None, **fields: Any) -> str:
        """Enqueue one before all others of its kind, claim and settle it; its id."""
        instance_id = self.add(**{"rank": -(10**6), **fields})
        claim = self.claim_one(limit=1, kinds=(fields.get("kind", KIND),))
        assert instance_id == claim.record.id
        assert self.settle(claim, ending, **(settling or {})).status == "done"
        return instance_id

    def reap_dead(self, lease_ms: int, number: int = 1) -> list[Reaped]:
        """What is reaped of workers that have just sent their last beat, until there are so many: somebody looks all
        the while, at most 5 s longer than the lease."""
        found = list(self.store.reap())
        left_ms, step_ms = lease_ms + _RECOVERY_MS, max(lease_ms // 4, 1)
        while len(found) < number and left_ms > 0:
            self.pass_ms(step_ms)
            left_ms -= step_ms
            found += self.store.reap()
        return found

    # ---- looking

    def get(self, instance_id: str, store: Store | None = None) -> Snapshot:
        """One instance that is there."""
        (snapshot,) = (store or self.store).get([instance_id])
        assert snapshot is not None, f"{instance_id} is gone"
        return snapshot

    def state(self, instance_id: str) -> State:
        """Where it stands."""
        return self.get(instance_id).state

    def history(self, instance_id: str) -> list[TransitionRecord]:
        """Its history entries."""
        (history,) = self.store.history([instance_id])
        assert history is not None, f"{instance_id} has no history"
        return list(history.entries)

    def path(self, instance_id: str) -> list[str]:
        """The states it went through, by value, each with its reason where it has one."""
        return [
            entry.state.value if entry.reason is None else f"{entry.state.value}:{entry.reason}"
            for entry in self.history(instance_id)
        ]

    def find_all(self, limit: int = 100, store: Store | None = None, **query: Any) -> list[str]:
        """The ids on all pages of an answer."""
        found, cursor = [], None
        while True:
            page = (store or self.store).find(InstanceFilter(**query), cursor, limit)
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

    # ---- threads

    def background(self, call: Callable[[], T]) -> "Future[T]":
        """`call` in a thread of its own, which ends with the process when a broken store never lets it go."""
        future: Future[T] = Future()
        thread = Thread(target=_settle_by, args=(future, call), daemon=True)
        self._threads.append(thread)
        thread.start()
        return future

    def race(self, *calls: Callable[[], T]) -> list[T]:
        """What calls answer that start at the same moment, each in a thread of its own."""
        barrier = Barrier(len(calls))

        def start(call: Callable[[], T]) -> T:
            barrier.wait(_SURE_S)
            return call()

        with _switching_often():
            return [self.answer(future) for future in [self.background(partial(start, call)) for call in calls]]

    def blocked(self, call: Callable[[], T]) -> "Future[T]":
        """`call` in a thread of its own; it does not return by itself."""
        before = self.clock.waiters if isinstance(self.clock, FakeClock) else 0
        future = self.background(call)
        if isinstance(self.clock, FakeClock):
            clock = self.clock
            wait_until(lambda: future.done() or clock.waiters > before, _SURE_S, "a call that blocks")
        try:
            found = future.result(_BLOCKED_S)
        except FutureTimeout:
            return future
        raise AssertionError(f"the call was to block, and answered {found!r}")

    def answer(self, future: "Future[T]") -> T:
        """What a call in the background answers, soon."""
        return future.result(_SURE_S)

    def close(self) -> None:
        """End everything that is blocked, remove what is stored, let go."""
        self.store.clear(force=True)
        for client in self._clients:
            client.close()
        for thread in self._threads:
            thread.join(_SURE_S)


def _settle_by(future: "Future[T]", call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is raised where the answer is asked for
        future.set_exception(error)


@contextmanager
def _switching_often() -> Iterator[None]:
    """Let threads take turns far more often than they do by themselves."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_OFTEN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
