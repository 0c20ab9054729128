"""The clock on the wall of a time zone: from instants to what it shows, and back.

Two wall times are no plain instants: those skipped when clocks jump forward, and those shown twice
when they go back. A `Shift` describes either; what a schedule makes of it is not decided here.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

__all__ = ["Shift", "WallClock"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Shift:
    """One change of the clocks: at the instant `at_ms` they go from `before` to `after` (naive wall times).

    Wall times t with before <= t < after are skipped; those with after <= t < before are shown twice.
    """

    at_ms: int
    before: datetime
    after: datetime

    @property
    def skips(self) -> bool:
        """True when clocks jump forward."""
        return self.before < self.after


@dataclass(frozen=True, slots=True)
class WallClock:
    """Reads a zone. Wall times are naive datetimes; instants are milliseconds since 1970 UTC."""

    zone: tzinfo

    def at(self, instant_ms: int) -> tuple[datetime, bool]:
        """What the clock shows at an instant, and whether it shows that for the second time."""
        aware = (_EPOCH + timedelta(milliseconds=instant_ms)).astimezone(self.zone)
        return aware.replace(tzinfo=None, fold=0), bool(aware.fold)

    def instant_ms(self, wall: datetime, *, second: bool = False) -> int:
        """When the clock shows a wall time that is not skipped, for the first or `second` time.

        The same for both where it is shown once.
        """
        return (wall.replace(tzinfo=self.zone, fold=int(second)) - _EPOCH) // _MS

    def shift_at(self, wall: datetime) -> Shift | None:
        """The change of the clocks that skips or repeats this wall time; None for the usual one, shown once."""
        old, new = self._offset(wall, fold=0), self._offset(wall, fold=1)
        if old == new:
            return None
        low_ms, high_ms = sorted(self.instant_ms(wall, second=second) for second in (False, True))
        at_ms = self._change_between(low_ms, high_ms, old)
        at = (_EPOCH + timedelta(milliseconds=at_ms)).replace(tzinfo=None)
        return Shift(at_ms, at + old, at + new)

    def _change_between(self, low_ms: int, high_ms: int, old: timedelta) -> int:
        # zoneinfo keeps its transitions to itself, so the change is bisected: old holds at low, not at high.
        while high_ms - low_ms > 1:
            middle_ms = (low_ms + high_ms) // 2
            aware = (_EPOCH + timedelta(milliseconds=middle_ms)).astimezone(self.zone)
            low_ms, high_ms = (middle_ms, high_ms) if aware.utcoffset() == old else (low_ms, middle_ms)
        return high_ms

    def _offset(self, wall: datetime, fold: int) -> timedelta:
        return wall.replace(tzinfo=self.zone, fold=fold).utcoffset() or timedelta(0)
