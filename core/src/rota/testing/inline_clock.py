"""A clock for a program of one thread: who waits by it there is not blocked, time passes instead."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, get_ident

from rota.jobs.running import CURRENT
from rota.model.duration import Duration
from rota.model.errors import ConfigError
from rota.testing.clock import FakeClock

__all__ = ["InlineClock"]

_HALF_MS = 0.0005


class InlineClock(FakeClock):
    """A `FakeClock` that moves on by itself as far as jobs that run inline wait.

    In the thread that made it, and in the one that runs the jobs, nothing else may wait: nobody would ever end that.
    Other threads wait as on a `FakeClock`. `look` is told of each move, and answers the nearest deadline of what
    runs, in monotonic seconds.
    """

    def __init__(self, start_ms: int) -> None:
        super().__init__(start_ms)
        self.look: Callable[[float], float | None] = lambda now: None
        self._tests = get_ident()
        self._running: int | None = None
        self._passing = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let this thread be the one that runs jobs."""
        self._running = get_ident()
        try:
            yield
        finally:
            self._running = None

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Let time pass while the thread that runs jobs waits for more of them."""
        self._passing = True
        try:
            yield
        finally:
            self._passing = False

    def _passes_here(self) -> bool:
        """True in a job, its helper threads included, and where more jobs are waited for."""
        around = getattr(CURRENT.get(), "surroundings", None)
        return getattr(around, "clock", None) is self or (self._passing and self._running == get_ident())

    def wait(self, condition: Condition, timeout_s: float | None) -> bool:
        """Let the time pass; False, as when nobody has notified."""
        if timeout_s is None or timeout_s <= 0:
            return super().wait(condition, timeout_s)
        if self._passes_here():
            condition.release()  # whoever is told of the move may need it
            try:
                self.pass_time(timeout_s)
            finally:
                condition.acquire()
            return False
        if get_ident() in (self._tests, self._running):
            raise ConfigError(
                "nothing runs beside this, so waiting here would never end: call drain() or advance() of the harness "
                "first (for workers in threads there is rota.testing.clocked)"
            )
        return super().wait(condition, timeout_s)

    def pass_time(self, seconds: float) -> None:
        """Move on by so much, at least by a millisecond, but not past the nearest deadline of what runs."""
        now = self.monotonic()
        nearest = self.look(now + _HALF_MS)
        step_s = seconds if nearest is None else min(seconds, nearest - now)
        self.advance(max(1, math.ceil(round(step_s * 1000, 3))) / 1000)

    def advance(self, duration: Duration) -> None:
        """Jump: both clocks move on, whoever's time has come wakes, and what runs over its time is asked to end."""
        super().advance(duration)
        self.look(self.monotonic() + _HALF_MS)
