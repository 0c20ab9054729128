"""What was claimed ahead of the slots, and stands behind slow jobs, goes back for others to run."""

from core.tests.runtime.harness import HOUR_S, Gate, await_state, pass_time, running, states, timed

from rota import State
from rota.testing import FakeClock, wait_until

GIVEN_BACK = [State.SCHEDULED, State.PROCESSING]


def test_another_worker_gets_what_stalled_within_a_tenth_of_a_second(clock: FakeClock, gate: Gate) -> None:
    """The slow job's worker gives its backlog back; the history says so, and no attempt is consumed."""
    with timed(clock) as manager:

        @manager.job
        def quick(number: int) -> None: ...

        @manager.job
        def slow() -> None:
            gate.hold()

        first = manager.worker(concurrency=1, lease=HOUR_S).start()
        quick.schedule(0).result(10)
        instances = manager.schedule_many([slow.call(), *(quick.call(number) for number in range(1, 6))])
        gate.await_arrivals(1)
        for one in instances:
            await_state(one, State.PROCESSING)
        with running(clock, manager.worker(concurrency=1, kinds=["quick"], lease=HOUR_S)) as second:
            pass_time(clock, 0.11, 0.01)
            for one in instances[1:]:
                assert State.COMPLETED is one.join(10).state
                entries = one.history()
                assert [State.CREATED, *GIVEN_BACK * 2, State.COMPLETED] == states(one)
                assert (first.name, "released") == (entries[3].worker, entries[3].reason)
                assert (second.name, 1) == (entries[5].worker, entries[5].attempt)
        gate.open()
        first.stop()


def test_a_backlog_that_was_given_back_is_not_claimed_again_by_the_same_worker(clock: FakeClock, gate: Gate) -> None:
    """It would go to and fro as long as the slow jobs run, and fill the histories."""
    with timed(clock) as manager:

        @manager.job
        def quick(number: int) -> None: ...

        @manager.job
        def slow() -> None:
            gate.hold()

        with running(clock, manager.worker(concurrency=4, lease=HOUR_S)):
            for number in range(4):
                quick.schedule(number).result(10)
            calls = [*(slow.call() for _ in range(4)), *(quick.call(number) for number in range(200))]
            instances = manager.schedule_many(calls)
            gate.await_arrivals(4)
            pass_time(clock, 5, 0.05)
            assert [State.SCHEDULED] * 200 == [one.refresh().state for one in instances[4:]]
            assert {2, 4} == {len(one.history()) for one in instances[4:]}
            gate.open()
            assert [State.COMPLETED] * 204 == [one.join(10).state for one in instances]


def test_more_slots_run_what_was_claimed_ahead_at_once(clock: FakeClock, gate: Gate) -> None:
    """After `resize` upwards the backlog does not wait for another claim, nor for the slow job."""
    with timed(clock) as manager:

        @manager.job
        def quick(number: int) -> int:
            return number

        @manager.job
        def slow() -> None:
            gate.hold()

        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)) as worker:
            quick.schedule(0).result(10)
            instances = manager.schedule_many([slow.call(), *(quick.call(number) for number in range(1, 6))])
            gate.await_arrivals(1)
            for one in instances:
                await_state(one, State.PROCESSING)
            worker.resize(2)
            assert [1, 2, 3, 4, 5] == [one.result(10) for one in instances[1:]]
            assert all(len(one.history()) == 4 for one in instances[1:])
            gate.open()
            assert State.COMPLETED is instances[0].join(10).state


def test_a_slow_job_at_the_start_strands_nothing(clock: FakeClock, gate: Gate) -> None:
    """As long as nothing is known of the run times, nothing is claimed ahead."""
    with timed(clock) as manager:

        @manager.job
        def slow() -> None:
            gate.hold()

        with running(clock, manager.worker(concurrency=2, lease=HOUR_S)) as worker:
            instances = manager.schedule_many(slow.call() for _ in range(10))
            gate.await_arrivals(2)
            found = [one.refresh().state for one in instances]
            assert [State.PROCESSING] * 2 + [State.SCHEDULED] * 8 == found
            gate.open()
            wait_until(lambda: all(one.refresh().state is State.COMPLETED for one in instances))
            assert worker.drain(10)
