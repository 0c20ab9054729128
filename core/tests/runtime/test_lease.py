"""A worker that lost its lease: what it ran belongs to others, and it goes on under a new id."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from core.tests.runtime.harness import HOUR_S, Gate, await_state, faulty, pass_time, running, states, timed

from rota import Context, JobCanceled, Manager, State, Transition
from rota.testing import FakeClock, wait_until

LOST = [State.CREATED, State.SCHEDULED, State.PROCESSING, State.SCHEDULED]


@pytest.fixture
def manager(clock: FakeClock) -> Iterator[Manager]:
    """A manager by the clock that stands still."""
    with timed(clock) as manager:
        yield manager


def _lose(manager: Manager, worker: str | None) -> None:
    """Let the worker be reaped, as after a pause of its process: its lease is over, and another node looks first.

    Moving the clock would let the worker's own loops run, too, and renew in time.
    """
    assert worker is not None
    other = manager._store.namespaced(manager._store.namespace)
    other._space.leases.live[worker].end_ms = 0  # type: ignore[attr-defined]
    other.reap()


def test_running_jobs_are_interrupted_and_their_results_refused(
    manager: Manager, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Those that listen learn why; what they return does not count; the worker goes on under a new id."""
    said: list[str] = []
    entered = [threading.Event(), threading.Event()]

    @manager.job
    def plain(ctx: Context) -> str:
        if ctx.worker == first:
            entered[0].set()
            try:
                ctx.wait(3600)
            except JobCanceled as error:
                said.append(str(error))
        return ctx.worker

    @manager.job
    async def coroutine(ctx: Context) -> str:
        if ctx.worker == first:
            entered[1].set()
            await asyncio.sleep(3600)
        return ctx.worker

    with running(clock, manager.worker(concurrency=2, lease=HOUR_S)) as worker:
        first = worker.name
        instances = [plain.schedule(), coroutine.schedule()]
        assert all(event.wait(10) for event in entered)
        _lose(manager, first)
        results = [one.result(10) for one in instances]
        assert [worker.name] * 2 == results
        assert first != worker.name
        assert [worker.name] == [one.name for one in manager.workers()]
    assert "its worker lost the lease" in said[0]
    for one in instances:
        entries = one.history()
        assert [*LOST, State.PROCESSING, State.COMPLETED] == states(one)
        assert "crashed" == entries[3].reason
        assert [first, first] == [entries[2].worker, entries[3].worker]
        assert 1 == entries[4].attempt
    assert "lost its lease; going on as" in caplog.text
    assert 2 == caplog.text.count("came too late")


def test_a_late_result_under_a_lost_lease_is_refused(manager: Manager, clock: FakeClock, gate: Gate) -> None:
    """The fencing token decides: the second run's result stands, whichever comes first."""
    runs: list[int] = []

    @manager.job
    def job(ctx: Context) -> str:
        runs.append(ctx.token)
        if len(runs) == 1:
            gate.hold()
            return "from the lost run"
        return "from the new run"

    with running(clock, manager.worker(concurrency=2, lease=HOUR_S)) as worker:
        instance = job.schedule()
        gate.await_arrivals(1)
        _lose(manager, worker.name)
        assert "from the new run" == instance.result(10)
        gate.open()
        assert worker.drain(10)
        assert "from the new run" == instance.result(10)
    assert runs[0] < runs[1]


def test_state_changes_of_a_second_run_are_told_in_order_beside_the_lost_one(
    manager: Manager, clock: FakeClock, gate: Gate
) -> None:
    """Nothing is told of the end of the lost run, whenever it comes; the new one does not wait for it."""
    seen: list[tuple[State, str | None]] = []
    runs: list[int] = []

    @manager.job
    def job(ctx: Context) -> None:
        runs.append(ctx.token)
        if len(runs) == 1:
            gate.hold()

    @job.on_state_change
    def note(instance: object, transition: Transition) -> None:
        seen.append((transition.state, transition.worker))

    with running(clock, manager.worker(concurrency=2, lease=HOUR_S)) as worker:
        first = worker.name
        instance = job.schedule()
        gate.await_arrivals(1)
        _lose(manager, first)
        assert State.COMPLETED is instance.join(10).state
        second = worker.name
        wait_until(lambda: len(seen) == 3)
        gate.open()
    expected = [(State.PROCESSING, first), (State.PROCESSING, second), (State.COMPLETED, second)]
    assert expected == seen


def test_what_was_claimed_ahead_under_a_lost_lease_is_not_run_on_it(
    manager: Manager, clock: FakeClock, gate: Gate
) -> None:
    """The backlog belongs to others as well; every instance runs once."""
    ran: list[int] = []

    @manager.job
    def quick(number: int) -> None:
        ran.append(number)

    @manager.job
    def slow() -> None:
        gate.hold()

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)) as worker:
        quick.schedule(0).result(10)
        instances = manager.schedule_many([slow.call(), *(quick.call(number) for number in range(1, 4))])
        gate.await_arrivals(1)
        for one in instances:
            await_state(one, State.PROCESSING)
        _lose(manager, first := worker.name)
        wait_until(lambda: worker.name != first)
        gate.open()
        for one in instances:
            assert State.COMPLETED is one.join(10).state
        assert worker.drain(10)
    assert [0, 1, 2, 3] == ran


def test_a_lease_found_lost_by_the_claim_is_renewed_as_by_the_beat(manager: Manager, clock: FakeClock) -> None:
    """Whichever loop learns of it first, the worker gets one new id and takes new work."""

    @manager.job
    def job() -> str:
        return "done"

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)) as worker:
        assert "done" == job.schedule().result(10)
        names = {worker.name}
        for _ in range(5):
            name = worker.name
            _lose(manager, name)
            wait_until(lambda name=name: worker.name != name)
            names.add(worker.name)
            assert "done" == job.schedule().result(10)
        assert 6 == len(names)
        assert [worker.name] == [one.name for one in manager.workers()]


def test_the_lease_is_renewed_three_times_in_its_length(clock: FakeClock, gate: Gate) -> None:
    """While jobs hold every slot and the event loop is blocked, no beat is missed."""
    manager, store = faulty(clock)
    with manager:

        @manager.job
        async def blocks() -> None:
            gate.hold()

        with running(clock, manager.worker(concurrency=1, lease=15)) as worker:
            name = worker.name
            instance = blocks.schedule()
            gate.await_arrivals(1)
            before = store.calls["beat"]
            pass_time(clock, 60)
            assert store.calls["beat"] - before in (11, 12)
            assert name == worker.name
            gate.open()
            assert State.COMPLETED is instance.join(10).state
