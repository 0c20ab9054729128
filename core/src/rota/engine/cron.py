"""A trigger at wall-clock times: `Cron`, with Vixie cron's rule for the days when clocks change.

A job at fixed times (neither minute nor hour starts with `*`) follows the wall: what clocks skip runs once,
right after the jump, however many of its times were skipped; what they show twice runs the first time.
Any other job follows real time: it runs in both passes of a repeated hour and not at skipped times. (cron(8))
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, final

from rota.engine.cron_fields import parse_fields
from rota.engine.cron_walls import CronWalls, NoMoreTimes
from rota.engine.upcoming import LAST_MS, upcoming
from rota.engine.wall import WallClock
from rota.engine.zone import find_zone
from rota.model.duration import Duration, to_ms

__all__ = ["Cron"]

#: Slots are looked for from the year 2 on, so that no zone's datetime overflows.
_FIRST_MS: Final = (datetime(2, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Cron:
    """Slots at the times that five fields name: minute, hour, day of month, month, day of week.

    Names (`jan`, `MON`), lists, ranges, steps and `@hourly @daily @midnight @weekly @monthly @yearly
    @annually` are understood; `a/n` is `a` to the end of the field. With both day fields restricted
    either is enough. `expression` and `tz` keep the normal forms, by which two are equal. `jitter`
    delays each instance by an even draw between zero and that. ConfigError, at construction, for what
    can't be read, never comes, or names no time zone that can be stored by name or offset.
    """

    expression: str
    tz: str
    jitter_ms: int
    _clock: WallClock = field(compare=False)
    _walls: CronWalls = field(compare=False)
    _fixed: bool = field(compare=False)

    def __init__(self, expression: str, *, tz: str | tzinfo = "UTC", jitter: Duration = 0) -> None:
        fields = parse_fields(expression)
        name, zone = find_zone(tz, f"Cron({expression!r})")
        object.__setattr__(self, "expression", fields.text)
        object.__setattr__(self, "tz", name)
        object.__setattr__(self, "jitter_ms", to_ms(jitter, "Cron(jitter)"))
        object.__setattr__(self, "_clock", WallClock(zone))
        object.__setattr__(self, "_walls", CronWalls(fields))
        object.__setattr__(self, "_fixed", fields.fixed)

    def next(self, after: datetime, count: int = 1) -> list[datetime]:
        """The first `count` slots strictly after `after`, in `tz`. ConfigError for a naive `after`."""
        return upcoming(self.next_ms, after, count, self._clock.zone, "Cron")

    def next_ms(self, after_ms: int) -> int | None:
        """The first slot strictly after an instant; None when it would lie beyond the year 9000."""
        if after_ms >= LAST_MS:
            return None
        start_ms = max(after_ms, _FIRST_MS)
        try:
            return self._next_fixed(start_ms) if self._fixed else self._next_running(start_ms)
        except NoMoreTimes:
            return None

    def latest_ms(self, until_ms: int, after_ms: int) -> int | None:
        """The last slot t with after_ms < t <= until_ms; None when there is none. Walks through none between."""
        if until_ms <= max(after_ms, _FIRST_MS):
            return None
        end_ms = min(until_ms, LAST_MS)
        try:
            slot_ms = self._latest_fixed(end_ms) if self._fixed else self._latest_running(end_ms)
        except NoMoreTimes:
            return None
        return slot_ms if slot_ms > after_ms else None

    def _next_fixed(self, after_ms: int) -> int:
        return self._fixed_ms(self._walls.after(self._furthest(after_ms)))

    def _latest_fixed(self, until_ms: int) -> int:
        return self._fixed_ms(self._walls.until(self._furthest(until_ms)))

    def _furthest(self, instant_ms: int) -> datetime:
        # While clocks show an hour again, all of it has been shown already.
        wall, again = self._clock.at(instant_ms)
        shift = self._clock.shift_at(wall) if again else None
        return wall if shift is None else shift.before - datetime.resolution

    def _fixed_ms(self, wall: datetime) -> int:
        shift = self._clock.shift_at(wall)
        return shift.at_ms if shift is not None and shift.skips else self._clock.instant_ms(wall)

    def _next_running(self, after_ms: int) -> int:
        shown, again = self._clock.at(after_ms)
        wall, shift = self._shown_after(shown), self._clock.shift_at(shown)
        if shift is not None and not again and wall >= shift.before:
            wall = self._walls.since(shift.after)  # the first pass has no more, the second begins anew
        slot_ms = self._clock.instant_ms(wall)
        return slot_ms if slot_ms > after_ms else self._clock.instant_ms(wall, second=True)

    def _latest_running(self, until_ms: int) -> int:
        shown, again = self._clock.at(until_ms)
        wall, shift = self._shown_until(shown), self._clock.shift_at(shown)
        if shift is not None and again and wall < shift.after:
            wall = self._shown_until(shift.before - datetime.resolution)  # none in the second pass yet
        slot_ms = self._clock.instant_ms(wall, second=True)
        return slot_ms if slot_ms <= until_ms else self._clock.instant_ms(wall)

    def _shown_after(self, wall: datetime) -> datetime:
        found = self._walls.after(wall)
        while (shift := self._clock.shift_at(found)) is not None and shift.skips:
            found = self._walls.since(shift.after)
        return found

    def _shown_until(self, wall: datetime) -> datetime:
        found = self._walls.until(wall)
        while (shift := self._clock.shift_at(found)) is not None and shift.skips:
            found = self._walls.before(shift.before)
        return found

    def __repr__(self) -> str:
        jitter = f", jitter={self.jitter_ms / 1000:.15g}" if self.jitter_ms else ""
        return f"Cron({self.expression!r}, tz={self.tz!r}{jitter})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.expression, self.tz, self.jitter_ms)


def _rebuild(expression: str, tz: str, jitter_ms: int) -> Cron:
    return Cron(expression, tz=tz, jitter=timedelta(milliseconds=jitter_ms))
