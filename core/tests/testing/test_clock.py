"""The clock that moves only when told, and managers that follow it."""

import random
import threading
from datetime import timedelta

from rota import Manager, State
from rota.testing import FakeClock, clocked, wait_until


def _waiting(clock: FakeClock, timeout_s: float | None, answers: list[bool]) -> threading.Thread:
    condition = threading.Condition()

    def wait() -> None:
        with condition:
            answers.append(clock.wait(condition, timeout_s))

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_it_stands_still_until_it_is_moved() -> None:
    """Both clocks move together; the wall clock alone can be set."""
    clock = FakeClock(1000)
    assert (1000, 0.0) == (clock.now_ms(), clock.monotonic())
    clock.advance(1.5)
    clock.advance(timedelta(seconds=1))
    assert (3500, 2.5) == (clock.now_ms(), clock.monotonic())
    clock.step_wall(timedelta(seconds=-2))
    assert (1500, 2.5) == (clock.now_ms(), clock.monotonic())


def test_those_whose_time_has_come_wake() -> None:
    """Each at its own; False says that it was the time."""
    clock, answers = FakeClock(), list[bool]()
    threads = [_waiting(clock, timeout_s, answers) for timeout_s in (1, 2, 3)]
    wait_until(lambda: clock.waiters == 3)
    clock.advance(2)
    assert 1 == clock.waiters
    for thread in threads[:2]:
        thread.join(10)
    assert [False, False] == answers
    clock.advance(1)
    threads[2].join(10)
    assert [False] * 3 == answers
    assert 0 == clock.waiters


def test_a_wait_of_no_time_does_not_block() -> None:
    """Nor is it counted."""
    clock, condition = FakeClock(), threading.Condition()
    with condition:
        assert not clock.wait(condition, 0)
    assert 0 == clock.waiters


def test_a_notified_waiter_wakes_before_its_time() -> None:
    """True says that it was not the time."""
    clock, condition, answers = FakeClock(), threading.Condition(), list[bool]()

    def wait() -> None:
        with condition:
            answers.append(clock.wait(condition, 60))

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: clock.waiters == 1)
    with condition:
        condition.notify_all()
    thread.join(10)
    assert ([True], 0) == (answers, clock.waiters)


def test_a_clocked_manager_follows_the_clock_with_its_store_and_worker() -> None:
    """A delay is over when the clock says so, and instants are the clock's."""
    clock = FakeClock()
    with clocked(Manager("memory://"), clock) as manager:

        @manager.job
        def job() -> str:
            return "done"

        with manager.worker(concurrency=1, lease=7200):
            instance = job.options(after=3600).schedule()
            assert 3600.0 == (instance.due_at - instance.created_at).total_seconds()
            wait_until(lambda: clock.waiters == 4)
            clock.advance(3599)
            assert State.SCHEDULED is instance.refresh().state
            clock.advance(1)
            assert "done" == instance.result(10)
            assert clock.now_ms() == round(instance.history()[-1].at.timestamp() * 1000)


def test_a_clocked_manager_repeats_itself() -> None:
    """Two of the same seed make the same ids; another seed makes others."""

    def first_id(rng: random.Random | None) -> str:
        with clocked(Manager("memory://"), FakeClock(), rng) as manager:
            manager.job(kind="job")(lambda: None)
            return str(manager.remote("job").schedule().id)

    assert first_id(None) == first_id(None)
    assert first_id(random.Random(5)) == first_id(random.Random(5))
    assert first_id(None) != first_id(random.Random(5))
