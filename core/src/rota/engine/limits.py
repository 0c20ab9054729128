"""Limits: how many more may start now, and when the next may.

Rates follow the generic cell rate algorithm (ITU-T I.371), in whole microseconds. All that is kept of the past is one
number, the *theoretical arrival time*: when a bucket that refills evenly would be full again. Each start moves it on
by the `count`-th part of the unit, and as many may start as leave it no more than one unit ahead. So after idling for
a unit the whole count may start at once, and from then on one for each part of the unit.

The part is seldom a whole number of microseconds. So starts step from mark to mark of a scale with exactly `count`
marks to a unit, and keep their distance from the mark. What is rounded, by a microsecond or two after idling, never
adds up from start to start; n starts in one step are n steps of one.
"""

import sys
from collections.abc import Iterable
from typing import Final

from rota.model.records import LimitRecord

__all__ = ["UNBOUNDED", "Bound", "Rate", "bounds"]

UNBOUNDED: Final = sys.maxsize  #: how many may start where nothing bounds them


class Rate:
    """`count` starts in `unit_ms`; more than one a microsecond count as one. Immutable.

    `tat_us` is the kept number, 0 before the first start. It keeps its meaning when the rate is changed.
    """

    __slots__ = ("_count", "_finest_us", "_unit_us")

    def __init__(self, count: int, unit_ms: int) -> None:
        self._unit_us = unit_ms * 1000
        self._count = min(count, self._unit_us)
        self._finest_us = self._unit_us // self._count

    def standing(self, tat_us: int, now_ms: int) -> int:
        """The number as it counts at `now_ms`: no more than a unit ahead.

        It is further ahead when the clock was set back, or the rate is a new one. A store that meets such a number
        keeps this one in its place; then no start is locked out for longer than a unit.
        """
        return min(tat_us, now_ms * 1000 + self._unit_us)

    def free(self, tat_us: int, now_ms: int) -> int:
        """How many may start now."""
        now_us = now_ms * 1000
        if tat_us <= now_us:
            return self._count
        mark, beyond_us = self._place(self.standing(tat_us, now_ms))
        last = self._mark_before(now_us + self._unit_us)
        reaches = self._at(last) + beyond_us <= now_us + self._unit_us
        return last - mark - (not reaches)

    def after(self, tat_us: int, now_ms: int, starts: int = 1) -> int:
        """The number after so many starts, which `free` has allowed, at `now_ms`."""
        mark, beyond_us = self._place(max(self.standing(tat_us, now_ms), now_ms * 1000))
        return self._at(mark + starts) + beyond_us

    def next_ms(self, tat_us: int, now_ms: int) -> int:
        """The first instant at which one may start: `now_ms` when one may now."""
        opens_us = self.after(tat_us, now_ms) - self._unit_us
        return max(now_ms, -(-opens_us // 1000))

    def _place(self, at_us: int) -> tuple[int, int]:
        """The mark at or before an instant, and the distance from it, short enough to fit between any two marks."""
        mark = self._mark_before(at_us)
        return mark, min(at_us - self._at(mark), self._finest_us - 1)

    def _mark_before(self, at_us: int) -> int:
        return at_us * self._count // self._unit_us

    def _at(self, mark: int) -> int:
        return -(-mark * self._unit_us // self._count)


class Bound:
    """A limit in the form in which it is asked often. Immutable.

    Its questions take what is kept of a lane or gate: how many are claimed and not ended, and its `tat_us`.
    """

    __slots__ = ("max_running", "rate")

    def __init__(self, limit: LimitRecord | None = None) -> None:
        found = limit or LimitRecord()
        self.max_running = UNBOUNDED if found.max_running is None else found.max_running
        timed = found.rate_count is not None and found.rate_ms is not None
        self.rate = Rate(found.rate_count or 1, found.rate_ms or 1) if timed else None

    def room(self, running: int, tat_us: int, now_ms: int) -> int:
        """How many more may start now; 0 or less when none may."""
        room = self.max_running - running
        if room <= 0 or self.rate is None:
            return room
        return min(room, self.rate.free(tat_us, now_ms))

    def opens_ms(self, running: int, tat_us: int, now_ms: int) -> int | None:
        """When one may start by the passing of time alone: `now_ms` when it may now, None when an end has to
        come first."""
        if running >= self.max_running:
            return None
        return now_ms if self.rate is None else self.rate.next_ms(tat_us, now_ms)


def bounds(limits: Iterable[LimitRecord]) -> tuple[LimitRecord | None, LimitRecord | None]:
    """The limit of the kind as a whole (the gate), and that of each of its lanes."""
    found = {limit.key is not None: limit for limit in limits}
    return found.get(False), found.get(True)
