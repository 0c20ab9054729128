"""A clock that is wrong, as those of machines are."""

from rota.model.clock import SystemClock

__all__ = ["SkewedClock"]


class SkewedClock(SystemClock):
    """The system's clock, so many hours ahead (negative: behind); its monotonic clock is right."""

    __slots__ = ("_ahead_ms",)

    def __init__(self, hours: float) -> None:
        self._ahead_ms = round(hours * 3_600_000)

    def now_ms(self) -> int:
        """Wall-clock milliseconds since 1970 UTC, that much off."""
        return super().now_ms() + self._ahead_ms
