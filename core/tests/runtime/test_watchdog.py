"""The watchdog by itself: who is due, when, and what it keeps."""

import threading
from collections.abc import Iterator

import pytest
from core.tests.runtime.harness import attempts

from rota.runtime.attempt import Attempt
from rota.runtime.watchdog import Watchdog
from rota.testing import FakeClock, wait_until


class _Watched:
    """A watchdog stepping in a thread, and whom it called."""

    def __init__(self, clock: FakeClock) -> None:
        self.called: list[Attempt] = []
        self.dog = Watchdog(clock, self.called.append)
        self.stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self.stopping:
            self.dog.step()

    def stop(self) -> None:
        self.stopping = True
        while self._thread.is_alive():
            self.dog.wake()
            self._thread.join(0.01)


@pytest.fixture
def watched(clock: FakeClock) -> Iterator[_Watched]:
    """A watchdog at work."""
    watched = _Watched(clock)
    yield watched
    watched.stop()


def _begun(clock: FakeClock, *timeouts_s: float) -> list[Attempt]:
    found = attempts(clock, len(timeouts_s))
    for attempt, timeout_s in zip(found, timeouts_s, strict=True):
        attempt.begin()
        attempt.deadline_at = clock.monotonic() + timeout_s
    return found


def test_each_is_called_at_its_deadline_whatever_the_order(clock: FakeClock, watched: _Watched) -> None:
    """A nearer deadline that comes later is met first; those that have ended are left alone."""
    late, soon, ended, now = _begun(clock, 30, 10, 5, 2)
    for one in (late, soon, ended):
        watched.dog.watch(one)
    wait_until(lambda: clock.waiters == 1)
    ended.ended = True
    watched.dog.watch(now)
    for passed_s, expected in ((1, []), (1, [now]), (7, [now]), (1, [now, soon]), (20, [now, soon, late])):
        wait_until(lambda: clock.waiters == 1)
        clock.advance(passed_s)
        wait_until(lambda expected=expected: watched.called == expected)
    assert [now, soon, late] == watched.called


def test_an_attempt_without_a_deadline_is_not_kept(clock: FakeClock, watched: _Watched) -> None:
    """It never ends it."""
    (free,) = attempts(clock, 1)
    watched.dog.watch(free)
    assert [] == watched.dog._deadlines


def test_ended_attempts_are_dropped_before_their_time(clock: FakeClock) -> None:
    """A million short jobs with an hour's limit do not fill the memory."""
    dog = Watchdog(clock, lambda attempt: None)
    most = 0
    for one in _begun(clock, *[3600.0] * 5000):
        dog.watch(one)
        one.ended = True
        most = max(most, len(dog._deadlines))
    assert most <= 1001


def test_those_still_running_are_kept_by_the_compaction(clock: FakeClock) -> None:
    """However many there are; and it does not compact at each of them."""
    called: list[Attempt] = []
    dog = Watchdog(clock, called.append)
    running = _begun(clock, *[60.0] * 2500)
    for one in running:
        dog.watch(one)
    clock.advance(61)
    dog.step()
    assert running == called
