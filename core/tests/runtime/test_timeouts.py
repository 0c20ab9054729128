"""The bound on one attempt: kept to the moment, whatever the job does, and at no cost of capacity."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from core.tests.runtime.harness import (
    HOUR_S,
    Gate,
    await_state,
    pass_time,
    running,
    states,
    timed,
)

from rota import Context, JobCanceled, JobError, JobTimedOut, Manager, Retry, State
from rota.testing import FakeClock, Harness, wait_until


@pytest.fixture
def manager(clock: FakeClock) -> Iterator[Manager]:
    """A manager by the clock that stands still."""
    with timed(clock) as manager:
        yield manager


def test_a_stuck_job_is_recorded_at_its_limit(manager: Manager, clock: FakeClock, gate: Gate) -> None:
    """The attempt is TIMED_OUT when its time is over, although its thread goes on; the error names the limit."""

    @manager.job(timeout=30)
    def stuck() -> str:
        gate.hold()
        return "too late"

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        instance = stuck.schedule()
        gate.await_arrivals(1)
        started = clock.now_ms()
        pass_time(clock, 29)
        assert State.PROCESSING is instance.refresh().state
        pass_time(clock, 1)
        with pytest.raises(JobTimedOut, match=r"attempt 1 of 'stuck' went over its 30 s"):
            instance.result(10)
        assert 30_000 == round(instance.history()[-1].at.timestamp() * 1000) - started
        assert 1 == gate.inside
        gate.open()
        wait_until(lambda: gate.inside == 0)
    assert State.TIMED_OUT is instance.refresh().state


def test_a_stuck_job_costs_no_capacity(manager: Manager, clock: FakeClock, gate: Gate) -> None:
    """Its slot goes to the next one at the limit, in a thread that takes the stuck one's place."""
    threads: set[int] = set()

    @manager.job(timeout=5)
    def stuck() -> None:
        gate.hold()

    @manager.job
    def quick() -> None:
        threads.add(threading.get_ident())

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)) as worker:
        for number in range(1, 4):
            late = stuck.schedule()
            gate.await_arrivals(number)
            waiting = [quick.schedule() for _ in range(3)]
            pass_time(clock, 6)
            assert [None] * 3 == [one.result(10) for one in waiting]
            assert State.TIMED_OUT is late.refresh().state
        assert 3 == gate.inside
        gate.open()
        wait_until(lambda: gate.inside == 0)
        quick.schedule().result(10)
        wait_until(lambda: [one.name for one in threading.enumerate()].count("rota-thread") == 1)
        assert 1 == worker.concurrency


def test_a_coroutine_that_swallows_its_cancellation_costs_no_capacity(
    manager: Manager, clock: FakeClock, gate: Gate
) -> None:
    """The attempt is TIMED_OUT at the limit, and the next runs beside the one that would not end."""
    swallowed = threading.Event()

    @manager.job(timeout=5)
    async def stubborn() -> str:
        try:
            await gate.ahold()
        except asyncio.CancelledError:
            swallowed.set()
            await gate.ahold()
        return "too late"

    @manager.job
    async def quick() -> str:
        return "quick"

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        instance = stubborn.schedule()
        gate.await_arrivals(1)
        waiting = quick.schedule()
        pass_time(clock, 6)
        assert "quick" == waiting.result(10)
        with pytest.raises(JobTimedOut):
            instance.result(10)
        assert swallowed.wait(10)
        gate.open()
        wait_until(lambda: gate.inside == 0)
    assert [State.CREATED, State.SCHEDULED, State.PROCESSING, State.TIMED_OUT] == states(instance)


def test_a_job_that_listens_is_interrupted_at_its_limit(kit: Harness) -> None:
    """`wait` and `check` raise JobCanceled that says why; `deadline` told it beforehand."""
    said: list[str] = []
    limits: list[int] = []

    @kit.manager.job(timeout=10)
    def listens(ctx: Context) -> None:
        assert ctx.deadline is not None
        limits.append(round(ctx.deadline.timestamp() * 1000) - kit.clock.now_ms())
        try:
            ctx.wait(60)
        except JobCanceled as error:
            said.append(str(error))
            raise

    listens.schedule()
    assert [State.TIMED_OUT] == [one.state for one in kit.drain()]
    assert ([10_000], 10.0) == (limits, kit.clock.monotonic())
    assert "it went over its time" in said[0]


@pytest.mark.parametrize(("timeouts", "expected"), [(True, 2), (False, 1)])
def test_a_timed_out_attempt_is_retried_unless_the_policy_says_no(kit: Harness, timeouts: bool, expected: int) -> None:
    """`Retry(timeouts=False)` lets it be the last; otherwise TIMED_OUT and SCHEDULED stand in the history."""

    @kit.manager.job(timeout=5, retry=Retry(1, backoff=1, timeouts=timeouts))
    def slow(ctx: Context) -> None:
        ctx.wait(60)

    instance = slow.schedule()
    kit.advance(60)
    attempt = [State.SCHEDULED, State.PROCESSING, State.TIMED_OUT]
    assert [State.CREATED, *attempt * expected] == states(instance)


def test_the_limit_of_a_call_wins_over_that_of_the_job(manager: Manager, clock: FakeClock, gate: Gate) -> None:
    """`options(timeout=)` shortens or, with None, lifts the bound."""

    @manager.job(timeout=10)
    def stuck() -> str:
        gate.hold()
        return "done"

    with running(clock, manager.worker(concurrency=2, lease=HOUR_S)):
        shorter, unbound = stuck.options(timeout=2).schedule(), stuck.options(timeout=None).schedule()
        gate.await_arrivals(2)
        pass_time(clock, 3)
        await_state(shorter, State.TIMED_OUT)
        pass_time(clock, 10)
        assert State.PROCESSING is unbound.refresh().state
        gate.open()
        assert "done" == unbound.result(10)


def test_the_wait_in_the_queue_is_not_counted(kit: Harness) -> None:
    """The bound begins with the attempt, not with the schedule call."""

    @kit.manager.job(timeout=5)
    def bounded() -> str:
        return "done"

    bounded.schedule()
    kit.clock.advance(60)
    assert ["done"] == [one.outcome() for one in kit.drain()]


@pytest.mark.parametrize("retry", [0, 3])
def test_a_cancel_stands_when_the_job_goes_over_its_time_after_it(
    manager: Manager, clock: FakeClock, gate: Gate, retry: int
) -> None:
    """A job that ignores its cancel request and reaches its limit is CANCELED: cancel is final."""

    @manager.job(timeout=5, retry=retry)
    def deaf() -> None:
        gate.hold()

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)) as worker:
        instance = deaf.schedule()
        gate.await_arrivals(1)
        assert instance.cancel()
        wait_until(lambda: [one.interruption for one in worker._consumer._in_flight.held] == ["canceled"])
        pass_time(clock, 6)
        with pytest.raises(JobCanceled):
            instance.result(10)
        gate.open()
        wait_until(lambda: gate.inside == 0)
    assert [State.CREATED, State.SCHEDULED, State.PROCESSING, State.CANCELED] == states(instance)


def test_what_a_job_does_after_its_limit_is_not_judged_again(manager: Manager, clock: FakeClock, gate: Gate) -> None:
    """`on_terminate` and `on_complete` see the recorded end once, not the late one."""
    seen: list[str] = []

    @manager.job(timeout=5)
    def late() -> str:
        gate.hold()
        return "late"

    @late.on_complete
    def completed(instance: object, result: str) -> None:
        seen.append(f"completed {result}")

    @late.on_terminate
    def terminated(instance: object, error: JobError) -> None:
        seen.append(type(error).__name__)

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        instance = late.schedule()
        gate.await_arrivals(1)
        pass_time(clock, 6)
        assert State.TIMED_OUT is instance.join(10).state
        gate.open()
        wait_until(lambda: [one.name for one in threading.enumerate()].count("rota-thread") == 0)
    assert ["JobTimedOut"] == seen
