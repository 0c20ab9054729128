"""A trigger with a fixed period: `Every`."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import final

from rota.engine.upcoming import LAST_MS, upcoming
from rota.model.duration import Duration, to_instant_ms, to_ms
from rota.model.errors import ConfigError

__all__ = ["Every"]


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Every:
    """Slots at `start`, `start + period`, `start + 2 * period`...

    Without `start` they are the multiples of the period since 1970-01-01 UTC, so that every machine
    means the same ones: `Every(3600)` is each full hour, `Every(86400)` each midnight UTC. The period
    is at least a millisecond. `jitter` delays each instance by an even draw between zero and that.
    """

    period_ms: int
    start_ms: int | None
    jitter_ms: int

    def __init__(self, period: Duration, *, start: datetime | None = None, jitter: Duration = 0) -> None:
        period_ms = to_ms(period, "Every(period)")
        if period_ms < 1:
            raise ConfigError(f"Every(period) must be a millisecond or more; got {period!r}")
        object.__setattr__(self, "period_ms", period_ms)
        object.__setattr__(self, "start_ms", None if start is None else to_instant_ms(start, "Every(start)"))
        object.__setattr__(self, "jitter_ms", to_ms(jitter, "Every(jitter)"))

    def next(self, after: datetime, count: int = 1) -> list[datetime]:
        """The first `count` slots strictly after `after`, in UTC. ConfigError for a naive `after`."""
        return upcoming(self.next_ms, after, count, UTC, "Every")

    def next_ms(self, after_ms: int) -> int | None:
        """The first slot strictly after an instant; None when it would lie beyond the year 9000. O(1)."""
        anchor_ms = self.start_ms or 0
        slot_ms = anchor_ms + ((after_ms - anchor_ms) // self.period_ms + 1) * self.period_ms
        if self.start_ms is not None:
            slot_ms = max(slot_ms, self.start_ms)
        return slot_ms if slot_ms <= LAST_MS else None

    def latest_ms(self, until_ms: int, after_ms: int) -> int | None:
        """The last slot t with after_ms < t <= until_ms; None when there is none. O(1)."""
        anchor_ms = self.start_ms or 0
        slot_ms = anchor_ms + (min(until_ms, LAST_MS) - anchor_ms) // self.period_ms * self.period_ms
        before_start = self.start_ms is not None and slot_ms < self.start_ms
        return None if before_start or slot_ms <= after_ms else slot_ms

    def __repr__(self) -> str:
        start = "" if self.start_ms is None else f", start={_datetime(self.start_ms)!r}"
        jitter = f", jitter={self.jitter_ms / 1000:.15g}" if self.jitter_ms else ""
        return f"Every({self.period_ms / 1000:.15g}{start}{jitter})"


def _datetime(value_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value_ms)
