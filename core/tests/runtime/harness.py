"""What the tests of the runtime share: jobs that wait to be let go, a store that fails on demand, time that passes."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Event, Lock, Thread
from typing import Any, Literal, cast

from rota import Instance, Manager, State, Worker
from rota.model.clock import Clock
from rota.model.errors import StoreUnavailable
from rota.model.records import Claim, InstanceRecord
from rota.runtime.attempt import Attempt, Surroundings
from rota.runtime.outbox import Outbox
from rota.store.contract import Store
from rota.testing import FakeClock, clocked, wait_until
from rota_store_memory.store import open_store

HOUR_S = 3600.0
#: The loops of a worker that wait by the clock: dispatcher, heartbeat, maintenance, watchdog.
LOOPS = 4


def states(instance: Instance[Any]) -> list[State]:
    """The states of an instance's history."""
    return [entry.state for entry in instance.history()]


def accepted(instance: Instance[Any]) -> list[State]:
    """The same without what was claimed ahead and given back, which costs an instance nothing."""
    entries = instance.history()
    back = {number for number, entry in enumerate(entries) if entry.reason == "released"}
    return [entry.state for number, entry in enumerate(entries) if number not in back and number + 1 not in back]


def messages(instance: Instance[Any]) -> list[str]:
    """What an instance logged."""
    return [line.message for line in instance.logs()]


def await_state(instance: Instance[Any], state: State) -> Instance[Any]:
    """The instance, once it stands in `state`."""
    wait_until(lambda: instance.refresh().state is state, description=f"{instance} is {state.value}")
    return instance.refresh()


def timed(clock: FakeClock, rng: random.Random | None = None, **options: Any) -> Manager:
    """A manager on a memory store, both by `clock`."""
    return clocked(Manager("memory://", **options), clock, rng)


def pass_time(clock: FakeClock, duration_s: float, step_s: float = 1.0) -> None:
    """Move `clock` on step by step, each when the worker's loops are waiting for it."""
    passed_ms, end_ms = 0, round(duration_s * 1000)
    while passed_ms < end_ms:
        wait_until(lambda: clock.waiters >= LOOPS, description="the loops wait by the clock")
        step_ms = min(round(step_s * 1000), end_ms - passed_ms)
        clock.advance(step_ms / 1000)
        passed_ms += step_ms


def while_time_passes(clock: FakeClock, function: Callable[[], object], step_s: float = 0.25) -> float:
    """Call `function` beside a clock that goes on until it returns; how many seconds of the clock it took."""
    began = clock.monotonic()
    thread = Thread(target=function)
    thread.start()
    while thread.is_alive():
        thread.join(0.002)
        if thread.is_alive():
            clock.advance(step_s)
    return clock.monotonic() - began


@contextmanager
def running(clock: FakeClock, worker: Worker) -> Iterator[Worker]:
    """The worker, started, and stopped beside a clock that goes on: whatever its loops wait for then, comes."""
    worker.start()
    try:
        yield worker
    finally:
        while_time_passes(clock, worker.stop)


class Gate:
    """Holds whoever comes until it is opened, and counts them: how many came, are there, and were at most."""

    def __init__(self) -> None:
        self._opened = Event()
        self._lock = Lock()
        self.came = 0
        self.inside = 0
        self.most = 0

    def hold(self) -> None:
        """Stay until it is opened."""
        self._enter()
        try:
            self._opened.wait(30)
        finally:
            self._leave()

    async def ahold(self) -> None:
        """The same for a coroutine."""
        self._enter()
        try:
            while not self._opened.is_set():
                await asyncio.sleep(0.001)
        finally:
            self._leave()

    @property
    def opened(self) -> bool:
        """Whether everybody may go."""
        return self._opened.is_set()

    def open(self) -> None:
        """Let everybody go, now and later."""
        self._opened.set()

    def await_arrivals(self, number: int) -> None:
        """Wait until so many have come."""
        wait_until(lambda: self.came >= number, description=f"{number} jobs run")

    def _enter(self) -> None:
        with self._lock:
            self.came += 1
            self.inside += 1
            self.most = max(self.most, self.inside)

    def _leave(self) -> None:
        with self._lock:
            self.inside -= 1


def attempts(clock: Clock, number: int, outbox: Outbox | None = None, **record: Any) -> list[Attempt]:
    """Claimed attempts of a job "job" outside of any worker."""
    definition = Manager("memory://").job(kind="job")(lambda: None).definition
    around = Surroundings(
        cast(Any, None), cast(Any, None), clock, (outbox or Outbox(lambda *_: None)).put_line, Condition(), {}, "w"
    )
    records = [
        InstanceRecord(id=f"{one:032x}", kind="job", arguments=b"", rank=5, created_ms=0, **record)
        for one in range(1, number + 1)
    ]
    return [Attempt(Claim(one, token, 1, 0, 0), definition, around) for token, one in enumerate(records, 1)]


Fault = Literal["before", "after"]
_NEVER_FAIL = frozenset({"namespaced", "interrupt", "close"})


class FaultyStore:
    """A store whose operations raise StoreUnavailable on demand: before they are done, or after ("done, but the reply
    was lost"). What is not set to fail goes through."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._faults: dict[str, deque[Fault]] = {}
        self.chance: Callable[[], Fault | None] = lambda: None  # asked where no fault was set
        self.overrides: dict[str, Callable[..., Any]] = {}
        self.calls: Counter[str] = Counter()
        self.down = False

    def namespaced(self, namespace: str) -> "FaultyStore":
        """Itself: a test has one namespace."""
        return self

    def fail(self, operation: str, *faults: Fault) -> None:
        """Let the next calls of `operation` fail like that, one after the other."""
        self._faults.setdefault(operation, deque()).extend(faults)

    def go_down(self) -> None:
        """Answer nothing any more, blocked calls included."""
        self.down = True
        self._inner.close()

    def come_back(self) -> None:
        """Answer again."""
        self.down = False

    def __getattr__(self, name: str) -> Any:
        value = self.overrides.get(name) or getattr(self._inner, name)
        if name in _NEVER_FAIL or not callable(value):
            return value
        return lambda *args, **kwargs: self._call(name, value, args, kwargs)

    def _call(self, name: str, operation: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        self.calls[name] += 1
        waiting = self._faults.get(name)
        fault = waiting.popleft() if waiting else self.chance()
        if fault == "before" or self.down:
            raise StoreUnavailable(f"{name}: no answer")
        answer = operation(*args, **kwargs)
        if fault == "after" or self.down:
            raise StoreUnavailable(f"{name}: done, but the reply was lost")
        return answer


def faulty(clock: FakeClock) -> tuple[Manager, FaultyStore]:
    """A manager, by `clock`, on a store that fails on demand."""
    store = FaultyStore(open_store("memory://", clock=clock))
    return clocked(Manager(cast(Store, store)), clock), store
