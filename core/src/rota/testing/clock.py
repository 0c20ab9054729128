"""A clock that moves only when told."""

from datetime import timedelta
from threading import Condition, Lock
from typing import Final

from rota.model.duration import Duration, to_ms

__all__ = ["FakeClock", "START_MS"]

START_MS: Final = 1_767_225_600_000  #: 2026-01-01T00:00:00Z


class FakeClock:
    """A `Clock` at a fixed instant, moved by `advance`; whoever waits on it wakes when their time has come.

    Waiting ends at once on a notification, as on the real clock; only time stands still.
    """

    def __init__(self, start_ms: int = START_MS) -> None:
        self._lock = Lock()
        self._now_ms = start_ms
        self._gone_ms = 0
        self._waiting: dict[object, tuple[int, Condition]] = {}

    def now_ms(self) -> int:
        """The wall clock, in milliseconds since 1970 UTC."""
        return self._now_ms

    def monotonic(self) -> float:
        """Seconds advanced since the clock was made."""
        return self._gone_ms / 1000

    @property
    def waiters(self) -> int:
        """How many threads wait with a time-out that is still to come."""
        with self._lock:
            return len(self._waiting)

    def wait(self, condition: Condition, timeout_s: float | None) -> bool:
        """Wait until notified, or until `advance` has moved `timeout_s` on."""
        if timeout_s is None:
            return condition.wait()
        entry = object()
        with self._lock:
            deadline_ms = self._gone_ms + round(timeout_s * 1000)
            if timeout_s <= 0:
                return False
            self._waiting[entry] = deadline_ms, condition
        try:
            condition.wait()
        finally:
            with self._lock:
                self._waiting.pop(entry, None)
        return self._gone_ms < deadline_ms

    def advance(self, duration: Duration) -> None:
        """Move both clocks on and wake those whose time has come."""
        step_ms = to_ms(duration)
        with self._lock:
            self._now_ms += step_ms
            self._gone_ms += step_ms
            over = [one for one, (deadline_ms, _) in self._waiting.items() if deadline_ms <= self._gone_ms]
            conditions = [self._waiting.pop(one)[1] for one in over]
        for condition in conditions:
            with condition:
                condition.notify_all()

    def step_wall(self, by: timedelta) -> None:
        """Set the wall clock on or back, as an administrator or NTP would; monotonic time goes on unmoved."""
        with self._lock:
            self._now_ms += round(by.total_seconds() * 1000)
