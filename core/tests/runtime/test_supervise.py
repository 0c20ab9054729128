"""Loops that never die."""

import random
import threading
from collections.abc import Callable

import pytest

from rota.model.errors import StoreUnavailable
from rota.runtime.supervise import Loop
from rota.testing import FakeClock, wait_until


class _Steps:
    """A step that does what it is told next, and waits for that."""

    def __init__(self, clock: FakeClock) -> None:
        self.todo: list[Exception | bool] = []
        self.done = 0
        self.at: list[float] = []
        self._clock = clock
        self._more = threading.Semaphore(0)

    def tell(self, *todo: Exception | bool) -> None:
        self.todo.extend(todo)
        self._more.release(len(todo))

    def __call__(self) -> bool:
        assert self._more.acquire(timeout=10)
        self.at.append(self._clock.monotonic())
        self.done += 1
        following = self.todo.pop(0)
        if isinstance(following, Exception):
            raise following
        return following


class _Full(random.Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return b


def _loop(clock: FakeClock, step: Callable[[], bool], interrupt: Callable[[], object] = bool) -> Loop:
    loop = Loop("tested", step, clock, _Full(), interrupt)
    loop.start()
    return loop


def test_a_failing_step_is_tried_again_after_growing_pauses(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """From 0.1 s doubling to 5 s; the first failure of a row is a warning, the recovery is told."""
    caplog.set_level("INFO")
    steps = _Steps(clock)
    loop = _loop(clock, steps)
    steps.tell(*[StoreUnavailable("gone")] * 9)
    for number, pause_s in enumerate([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0], 1):
        wait_until(lambda number=number: steps.done == number and clock.waiters == 1)
        clock.advance(pause_s - 0.001)
        assert number == steps.done
        clock.advance(0.001)
    wait_until(lambda: steps.done == 9 and clock.waiters == 1)
    assert 1 == caplog.text.count("the store does not answer (gone)")
    steps.tell(True, StoreUnavailable("again"), False)
    clock.advance(5)
    wait_until(lambda: clock.waiters == 1 and steps.done == 11)
    assert "works again after 9 failures" in caplog.text
    assert "(again)" in caplog.text
    clock.advance(0.1)
    assert loop.join(10)
    loop.stop()


def test_an_error_that_is_not_the_stores_is_logged_with_its_traceback(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of our own is no outage; the loop goes on all the same."""
    steps = _Steps(clock)
    loop = _loop(clock, steps)
    steps.tell(KeyError("fault"), False)
    wait_until(lambda: clock.waiters == 1)
    clock.advance(0.1)
    assert loop.join(10)
    assert "tested: a step failed" in caplog.text
    assert "KeyError: 'fault'" in caplog.text


def test_idle_time_counts_from_the_last_success(clock: FakeClock) -> None:
    """Failures don't reset it: that is what readiness looks at."""
    steps = _Steps(clock)
    loop = _loop(clock, steps)
    steps.tell(True)
    wait_until(lambda: steps.done == 1)
    clock.advance(2)
    steps.tell(StoreUnavailable())
    wait_until(lambda: clock.waiters == 1)
    assert 2.0 == loop.idle_s
    steps.tell(False)
    clock.advance(1)
    assert loop.join(10)
    assert 0.0 == loop.idle_s


def test_stop_ends_a_pause_and_what_a_step_is_blocked_in(clock: FakeClock) -> None:
    """Neither is waited for."""
    steps = _Steps(clock)
    paused = _loop(clock, steps)
    steps.tell(StoreUnavailable())
    wait_until(lambda: clock.waiters == 1)
    paused.stop()
    assert paused.join(10)
    entered, ended = threading.Event(), threading.Event()
    blocked = _loop(clock, lambda: (entered.set(), ended.wait(10))[1], ended.set)
    assert entered.wait(10)
    blocked.stop()
    assert blocked.join(10)
    assert blocked.stopping


def test_what_blocks_just_after_the_stop_is_interrupted_again(clock: FakeClock) -> None:
    """`join` repeats the interrupt, since one that came before the block has no effect."""
    entered, go, interrupts = threading.Event(), threading.Event(), []
    ended = threading.Event()

    def step() -> bool:
        entered.set()
        go.wait(10)
        ended.clear()
        return ended.wait(10)

    def interrupt() -> None:
        interrupts.append(1)
        ended.set()

    loop = _loop(clock, step, interrupt)
    assert entered.wait(10)
    loop.stop()
    assert 1 == len(interrupts)
    go.set()
    assert loop.join(5)
    assert 2 <= len(interrupts)


def test_join_of_a_loop_that_was_never_started_is_no_wait(clock: FakeClock) -> None:
    """It has ended, so to speak."""
    assert Loop("never", lambda: True, clock, random.Random(0)).join(5)
