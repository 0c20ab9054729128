"""The jobs of a program's own manager, run inline by the real engine, on a store and a clock of the test."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, cast, final

from rota.client.environment import Environment
from rota.client.twins import offload
from rota.jobs.blocking import on_event_loop
from rota.jobs.instance import Instance
from rota.jobs.job import Job
from rota.model.duration import Duration, from_ms, to_instant_ms, to_seconds
from rota.model.errors import ConfigError
from rota.model.query import Query
from rota.model.records import Snapshot
from rota.model.state import State
from rota.store.contract import MAX_BATCH, Store
from rota.testing.clock import START_MS, FakeClock
from rota.testing.inline_clock import InlineClock
from rota.testing.swapped import swapped

if TYPE_CHECKING:
    from types import TracebackType

    from rota.client.connection import Connection
    from rota.manager.manager import Manager
    from rota.testing.inline import Inline

__all__ = ["Harness", "harness"]

_START: Final = from_ms(START_MS)
_MAX_RUNS: Final = 10_000
_LEASE_MS: Final = 100 * 366 * 86_400_000  # no jump of the clock makes the worker lose what it runs
_SLOTS: Final = 1_000  # jobs that await others, one inside the other
_OF_ROTA: Final = "system."


def harness(
    manager: Manager, *, start: datetime = _START, rng: random.Random | None = None, max_runs: int = _MAX_RUNS
) -> Harness:
    """For a `with` block: put a memory store and a clock that stands at `start` under `manager`, and run its jobs only
    when told, in the calling thread. Randomness is `rng`, by default one of a fixed seed.

    Whatever store the manager was made with is not touched, and is back after the block; so is everything else.
    More than `max_runs` attempts on end are taken for a job that never stops scheduling itself.
    Raises: ConfigError for a naive `start`; PluginError when the memory store is not installed.
    """
    environment = Environment(clock=InlineClock(to_instant_ms(start)), rng=rng or random.Random(0))
    return Harness(manager, environment, max_runs)


@final
class Harness:
    """What `harness()` gives. Jobs run as in a worker: claimed, converted, retried, limited, settled, logged; the
    lifespan is entered by the first `drain` or `advance`, from which declared rules count, and left with the block.

    Jobs of every executor run here, one at a time; an `async def` on a private event loop, whose timers go by the
    clock. A job that waits (`Context.wait`, `asyncio.sleep`) lets the clock go on and takes no real time. One that
    awaits another instance lets that one run.

    Nothing can cut off a function that runs here: over its time it is asked to end, as soon as the clock is
    past its deadline, and recorded as TIMED_OUT when it has ended, whatever it returned. Nor does a function that
    neither waits nor lets time pass learn that it was canceled.
    """

    def __init__(self, manager: Manager, environment: Environment, max_runs: int) -> None:
        self._manager = manager
        self._environment = environment
        self._clock = cast(InlineClock, environment.clock)
        self._max_runs = max_runs
        self._lock = Lock()
        self._swap = ExitStack()
        self._connection: Connection | None = None
        self._inline: Inline | None = None

    @property
    def manager(self) -> Manager:
        """The program's own."""
        return self._manager

    @property
    def clock(self) -> FakeClock:
        """What the manager, its store and its jobs go by. `clock.advance` is a jump, as over an outage: nothing runs
        on the way, and the next `drain` finds what was missed."""
        return self._clock

    @property
    def store(self) -> Store:
        """The memory store that stands in. Raises: ConfigError outside of the block, as all that follows."""
        if self._connection is None:
            raise ConfigError("this harness is closed: use it inside its `with` block")
        return self._connection.store

    # ---- running -----------------------------------------------------------------------------

    def drain(self) -> list[Instance[Any]]:
        """Run all that is due now, and what becomes due by that, slots of recurring rules too.

        The instances that ran, in the order of their first start, as they stand afterwards; without jobs of
        rota's own (`system.*`). What a job raises is in its instance. Raises: AssertionError when it does not
        end; ConfigError on an event loop's thread (`adrain`) and inside a job; what the lifespan raises.
        """
        return self._run(0.0)

    def advance(self, duration: Duration) -> list[Instance[Any]]:
        """Let time pass: stop at each instant at which something becomes due (a delay, a retry, a slot, what a rate
        allows), and `drain` there. Answers and raises as that does."""
        return self._run(to_seconds(duration, "advance(duration)"))

    async def adrain(self) -> list[Instance[Any]]:
        """`drain`, awaited: in a thread beside the event loop."""
        return await offload(self.drain)

    async def aadvance(self, duration: Duration) -> list[Instance[Any]]:
        """`advance`, awaited: in a thread beside the event loop."""
        return await offload(self.advance, duration)

    def _run(self, seconds: float) -> list[Instance[Any]]:
        self._refuse()
        with self._lock, self._clock.running():
            inline = self._started()
            try:
                inline.run_until(self._clock.monotonic() + seconds)
            finally:
                ran = inline.take_ran()
        return self._shown(self._found(ran))

    def _refuse(self) -> None:
        _ = self.store
        if self._inline is not None and self._inline.runs_this_thread():
            raise ConfigError("drain() and advance() inside a job would wait for that job: call them from the test")
        if on_event_loop():
            raise ConfigError("drain() and advance() would stop this event loop: await adrain() or aadvance()")

    def _started(self) -> Inline:
        manager = self._manager
        if self._inline is None:
            from rota.testing.inline import Inline

            inline = Inline(manager._consumer_settings(None, _SLOTS, _LEASE_MS), self._clock, self._max_runs)
            inline.start()
            self._inline = inline
        self._inline.catch_up(manager._definitions(None).values())
        return self._inline

    # ---- looking -----------------------------------------------------------------------------

    def scheduled(self, job: Job[..., Any, Any] | str | None = None) -> list[Instance[Any]]:
        """The queued instances of a job (itself, or its kind), of all without one, in the order in which they would
        run; in the end those that wait for parents. Without jobs of rota's own (`system.*`)."""
        kind = job.kind if isinstance(job, Job) else job
        query = Query(kind=kind, state=(State.SCHEDULED, State.CREATED))
        now_ms = self.store.now_ms()
        found = [one for page in self._manager._pages(query) for one in page]
        return self._shown(sorted(found, key=lambda one: _place(one, now_ms)))

    def _found(self, ids: list[str]) -> Iterator[Snapshot]:
        for start in range(0, len(ids), MAX_BATCH):
            yield from (one for one in self.store.get(ids[start : start + MAX_BATCH]) if one is not None)

    def _shown(self, snapshots: Iterable[Snapshot]) -> list[Instance[Any]]:
        source = self._manager._source
        return [Instance(source, one) for one in snapshots if not one.record.kind.startswith(_OF_ROTA)]

    # ---- life cycle --------------------------------------------------------------------------

    def close(self) -> None:
        """Leave the lifespan, and put everything back. Idempotent."""
        with self._lock, self._swap, self._clock.running():
            inline, self._inline, self._connection = self._inline, None, None
            if inline is not None:
                inline.stop()

    def __enter__(self) -> Self:
        if self._connection is not None:
            raise ConfigError("this harness is in use: make another one for another block")
        from rota.testing.inline import InlineFinals

        name = f"finals-{self._environment.ids.one()}"

        def finals(store: Callable[[], Store]) -> InlineFinals:
            return InlineFinals(store, self._clock, name, lambda: self._inline)

        self._connection = self._swap.enter_context(swapped(self._manager, self._environment, finals))
        return self

    def __exit__(self, t: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None, /) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, t: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        await offload(self.close)


def _place(snapshot: Snapshot, now_ms: int) -> tuple[bool, int, int, int, str]:
    """Where it stands in the order of the queue: what is due by rank, what is not by its time."""
    record, waits = snapshot.record, snapshot.state is State.CREATED
    due_ms = snapshot.due_ms
    if due_ms <= now_ms:
        return waits, 0, record.rank, due_ms, record.id
    return waits, due_ms, record.rank, due_ms, record.id
