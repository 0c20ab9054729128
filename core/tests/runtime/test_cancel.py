"""Cancelling: what is queued at once, what runs by request, and nothing else."""

import asyncio
from threading import Event

import pytest
from core.tests.runtime.harness import HOUR_S, LOOPS, Gate, await_state, pass_time, running, states, timed

from rota import Context, JobCanceled, Manager, Query, Retry, State
from rota.runtime.in_flight import InFlight
from rota.testing import FakeClock, wait_until

CANCELED = [State.CREATED, State.SCHEDULED, State.PROCESSING, State.CANCELED]


def test_a_queued_instance_is_canceled_at_once(manager: Manager) -> None:
    """No worker is needed; it never runs, and asking again says that it had ended."""
    ran: list[int] = []

    @manager.job
    def never() -> None:
        ran.append(1)

    instance = never.schedule()
    assert instance.cancel()
    assert not instance.cancel()
    with manager.worker(concurrency=1) as worker:
        assert worker.drain(10)
    assert [State.CREATED, State.SCHEDULED, State.CANCELED] == states(instance)
    assert [] == ran
    with pytest.raises(JobCanceled):
        instance.result(1)


def test_a_cancel_reaches_jobs_that_wait_check_or_await_at_once(clock: FakeClock) -> None:
    """Pushed by the store while the clock stands still: no beat is waited for. The job sees why."""
    said: list[str] = []
    started = [Event(), Event(), Event()]
    with timed(clock) as manager:

        @manager.job
        def waits(ctx: Context) -> None:
            started[0].set()
            try:
                ctx.wait(3600)
            except JobCanceled as error:
                said.append(str(error))
                raise

        @manager.job
        def checks(ctx: Context) -> None:
            started[1].set()
            wait_until(lambda: ctx.cancel_requested)
            ctx.check()

        @manager.job
        async def awaits() -> None:
            started[2].set()
            await asyncio.sleep(3600)

        with running(clock, manager.worker(concurrency=3, lease=HOUR_S)):
            instances = [waits.schedule(), checks.schedule(), awaits.schedule()]
            assert all(event.wait(10) for event in started)
            assert [True] * 3 == [one.cancel() for one in instances]
            for one in instances:
                with pytest.raises(JobCanceled, match="was canceled while it ran"):
                    one.result(10)
            assert 0.0 == clock.monotonic()
        assert [CANCELED] * 3 == [states(one) for one in instances]
    assert "its cancellation was requested" in said[0]


@pytest.mark.parametrize("ending", ["returns", "raises"])
def test_a_job_that_ignores_the_request_is_canceled_all_the_same(manager: Manager, gate: Gate, ending: str) -> None:
    """What it returns or raises after the request does not count, and it is not retried."""

    @manager.job(retry=Retry(5, backoff=0))
    def deaf(ctx: Context) -> str:
        gate.hold()
        if ending == "raises":
            raise OSError
        return "a value"

    with manager.worker(concurrency=1) as worker:
        instance = deaf.schedule()
        gate.await_arrivals(1)
        assert instance.cancel()
        wait_until(lambda: _requested(worker, 1))
        gate.open()
        assert State.CANCELED is instance.join(10).state
        assert worker.drain(10)
    assert CANCELED == states(instance)


def test_a_coroutine_that_turns_its_cancellation_into_a_result_is_canceled(manager: Manager, gate: Gate) -> None:
    """The value it returns instead does not count."""

    @manager.job(retry=5)
    async def evades() -> str:
        try:
            await gate.ahold()
        except asyncio.CancelledError:
            return "a value"
        return "done"

    with manager.worker(concurrency=1):
        instance = evades.schedule()
        gate.await_arrivals(1)
        instance.cancel()
        assert State.CANCELED is instance.join(10).state


def test_a_canceled_instance_between_two_attempts_is_not_retried(clock: FakeClock) -> None:
    """A cancel during the backoff is final."""
    with timed(clock) as manager:

        @manager.job(retry=Retry(-1, backoff=60))
        def fails() -> None:
            raise OSError

        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
            instance = fails.schedule()
            wait_until(lambda: instance.refresh().attempt == 1 and instance.refresh().state is State.SCHEDULED)
            assert instance.cancel()
            pass_time(clock, 61)
        attempt = [State.SCHEDULED, State.PROCESSING, State.TERMINATED]
        assert [State.CREATED, *attempt, State.SCHEDULED, State.CANCELED] == states(instance)


def test_only_what_matches_is_canceled(manager: Manager, gate: Gate) -> None:
    """A query cancels its matches, queued and running; the number of them is answered."""

    @manager.job
    def one(number: int) -> None: ...

    @manager.job
    def other(ctx: Context) -> None:
        gate.hold()
        ctx.wait(30)

    with manager.worker(concurrency=1):
        running = other.schedule()
        gate.await_arrivals(1)
        queued = [one.schedule(number) for number in range(3)]
        waiting = other.schedule()
        assert 1 == manager.cancel(Query(ids=[queued[1].id]))
        assert 2 == manager.cancel(Query(kind="other"))
        gate.open()
        assert [State.CANCELED] * 2 == [instance.join(10).state for instance in (running, waiting)]
        ends = [instance.join(10).state for instance in queued]
    assert [State.COMPLETED, State.CANCELED, State.COMPLETED] == ends


def test_a_prefetched_instance_is_canceled_without_having_run(clock: FakeClock, gate: Gate) -> None:
    """Claimed ahead and waiting for a slot in the worker, it ends CANCELED when it would start."""
    ran: list[int] = []
    with timed(clock) as manager:

        @manager.job
        def quick(number: int) -> None:
            ran.append(number)

        @manager.job
        def slow() -> None:
            gate.hold()

        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)) as worker:
            quick.schedule(0).result(10)  # measured: it takes no time, so more is claimed ahead
            calls = [slow.call(), *(quick.call(number) for number in range(1, 4))]
            instances = manager.schedule_many(calls)
            gate.await_arrivals(1)
            ahead = instances[1:]
            for one in ahead:
                await_state(one, State.PROCESSING)
            assert ahead[1].cancel()
            wait_until(lambda: _requested(worker, 1))
            gate.open()
            assert worker.drain(10)
        assert CANCELED == states(ahead[1])
        assert [0, 1, 3] == ran


def test_a_cancel_that_overtakes_the_answer_of_the_claim_is_kept(clock: FakeClock, gate: Gate) -> None:
    """The heartbeat may learn of a cancel before the dispatcher has the claim: it counts from the first moment on."""
    ran: list[int] = []
    with timed(clock) as manager:

        @manager.job
        def job() -> None:
            ran.append(1)

        begin = InFlight.begin

        def late(self: InFlight, claims, *more) -> None:  # type: ignore[no-untyped-def]
            manager._store.cancel([claims[0].record.id])
            wait_until(lambda: self._canceled_early, description="the beat has brought the request")
            begin(self, claims, *more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(InFlight, "begin", late)
            with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
                instance = job.schedule()
                assert State.CANCELED is instance.join(10).state
        assert [] == ran
        assert LOOPS > clock.waiters


def test_a_canceled_job_frees_its_unique_key(manager: Manager) -> None:
    """The key can be taken again once the holder is canceled."""

    @manager.job(unique_key="order:{number}")
    def order(number: int) -> None: ...

    first = order.schedule(1)
    assert order.schedule(1).duplicate
    first.cancel()
    assert not order.schedule(1).duplicate


def _requested(worker: object, number: int) -> bool:
    """Whether so many of the attempts that the worker holds know that they should end."""
    held = worker._consumer._in_flight.held  # type: ignore[attr-defined]
    return number == sum(attempt.interruption == "canceled" for attempt in held)
