"""The clock that is passed in everywhere; nothing else reads the time."""

import time
from threading import Condition
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Wall clock, monotonic clock, and the one way to wait."""

    def now_ms(self) -> int:
        """Wall-clock milliseconds since 1970 UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that is never set; only differences mean anything."""
        ...

    def wait(self, condition: Condition, timeout_s: float | None) -> bool:
        """Wait on `condition`, whose lock the caller holds, until notified or until `timeout_s` of
        this clock have gone by (None: for ever); True when notified. Spurious returns are allowed,
        so callers check their predicate."""
        ...


class SystemClock:
    """The machine's clocks."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Wall-clock milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()

    def wait(self, condition: Condition, timeout_s: float | None) -> bool:
        """`condition.wait(timeout_s)`."""
        return condition.wait(timeout_s)
