"""Many managers on one store, in threads that race for each slot while one after the other is killed at it."""

import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Lock
from typing import Any, Literal, cast

import pytest
from core.tests.client.managers import fresh_url, managed, store_of

from rota import Cron, Manager, Query
from rota.engine.rank import priority_rank
from rota.runtime.maintenance import Maintenance
from rota.store.contract import Store
from rota.testing import FakeClock

_START = datetime(2026, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_NODES, _TICK_S, _KILLED_EVERY = 5, 60, 10


class _Killed(BaseException):
    """The process of a node is gone: nothing of rota catches it."""


class _Fate:
    """Whether the next one that fires dies of it, and how far it gets."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next: Literal["before", "after"] | None = None
        self.killed = 0
        self.answers: list[str] = []

    def strike(self, when: Literal["before", "after"]) -> None:
        """Kill the next one, before the store is asked or before its answer comes."""
        self._next = when

    def meet(self) -> Literal["before", "after"] | None:
        """What happens to the one that fires now."""
        with self._lock:
            met, self._next = self._next, None
            self.killed += met is not None
            return met


class _Mortal:
    """A store as seen from a node that may die at `fire`."""

    def __init__(self, store: Store, fate: _Fate) -> None:
        self._store = store
        self._fate = fate

    def fire(self, *args: Any) -> str:
        """Fire, unless killed before; answer, unless killed after."""
        met = self._fate.meet()
        if met == "before":
            raise _Killed
        answer = self._store.fire(*args)
        self._fate.answers.append(answer)
        if met == "after":
            raise _Killed
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _Node:
    """One process: a manager of its own, and the maintenance of its worker."""

    def __init__(self, url: str, clock: FakeClock, fate: _Fate, seed: int) -> None:
        self.manager = managed(clock, url)
        store = cast(Store, _Mortal(store_of(self.manager), fate))
        self._maintenance = Maintenance(lambda: store, (), priority_rank, clock, random.Random(seed))

    def survives(self, barrier: Barrier) -> bool:
        """Do what is due, together with all others; False when it was killed meanwhile."""
        barrier.wait(30)
        try:
            self._maintenance.step()
        except _Killed:
            return False
        return True


@pytest.fixture
def _eager_threads() -> Iterator[None]:
    """Let threads take turns within a step, not between steps."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def _put_rules(manager: Manager) -> dict[str, Cron]:
    expressions = ["*/5 * * * *", "7,37 * * * *", "13 * * * *", "30 2 * * *", "0 9-17 * * *"]
    zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
    call = manager.remote("nobody-runs-this").call()
    rules = {f"r{n}": Cron(expressions[n % 5], tz=zones[n % 4]) for n in range(100)}
    for name, trigger in rules.items():
        manager.put_schedule(name, trigger, call, overlap="allow")
    return rules


def _slots_of(trigger: Cron) -> list[datetime]:
    return [slot for slot in trigger.next(_START, 24 * 12) if slot <= _START + _DAY]


@pytest.mark.usefixtures("_eager_threads")
def test_each_slot_of_a_day_fires_once_whoever_is_killed_at_it() -> None:
    """5 schedulers, 100 crons, 24 hours: one instance for each slot, none twice, none missing."""
    clock, url, fate = FakeClock(), fresh_url(), _Fate()
    rng = random.Random(7)
    with managed(clock, url) as keeper, ThreadPoolExecutor(_NODES) as pool:
        rules = _put_rules(keeper)
        nodes = [_Node(url, clock, fate, seed) for seed in range(_NODES)]
        barrier = Barrier(_NODES)
        for tick in range(round(_DAY.total_seconds() / _TICK_S)):
            clock.advance(_TICK_S)
            if tick % _KILLED_EVERY == 0:
                fate.strike(rng.choice(["before", "after"]))
            survived = list(pool.map(lambda node: node.survives(barrier), nodes))
            nodes = [
                node if alive else _Node(url, clock, fate, rng.getrandbits(32))
                for node, alive in zip(nodes, survived, strict=True)
            ]
        fired: dict[str, list[datetime]] = {name: [] for name in rules}
        for one in keeper.scan(Query(newest_first=False)):
            assert one.slot is not None
            fired[one.schedule or ""].append(one.slot)
    assert {name: _slots_of(trigger) for name, trigger in rules.items()} == {
        name: sorted(slots) for name, slots in fired.items()
    }
    assert 144 == fate.killed
    assert "lost" in fate.answers  # they did race
    assert sum(map(len, fired.values())) == fate.answers.count("fired")
