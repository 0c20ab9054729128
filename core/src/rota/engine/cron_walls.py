"""The wall times that a cron expression names, walked with croniter; time zones don't exist here.

What is known to go wrong in croniter is kept from it: it gets plain lists of numbers, never ranges, steps or
names; whether the day fields are joined by "and" or "or" is decided by cron's rule, not by its own; and a day
that never comes in its months (which an "or" allows) is left out, since it would search 50 years for it each time.
"""

import copy
from datetime import datetime, timedelta
from typing import Any

from rota.engine.cron_fields import CronField, CronFields

__all__ = ["CronWalls", "NoMoreTimes"]

_MINUTE = timedelta(minutes=1)


class NoMoreTimes(Exception):
    """The calendar of `datetime` ends before the expression names another time."""


class CronWalls:
    """Finds matching wall times (naive datetimes on full minutes). Safe in any number of threads."""

    __slots__ = ("_blank",)

    def __init__(self, fields: CronFields) -> None:
        from croniter import croniter

        either, day = fields.either_day, _listed(fields.day, 31)
        if either and not fields.day_exists:
            either, day = False, "*"
        text = " ".join((
            _listed(fields.minute, 60), _listed(fields.hour, 24), day,
            _listed(fields.month, 12), _listed(fields.weekday, 7),
        ))  # fmt: skip
        self._blank: Any = croniter(text, 0.0, ret_type=datetime, day_or=either)

    def after(self, wall: datetime) -> datetime:
        """The first matching time strictly after `wall`."""
        return self._walk("get_next", _floor(wall))

    def since(self, wall: datetime) -> datetime:
        """The first matching time at or after `wall`."""
        return self.after(wall - datetime.resolution)

    def until(self, wall: datetime) -> datetime:
        """The last matching time at or before `wall`."""
        return self._walk("get_prev", _floor(wall) + _MINUTE)

    def before(self, wall: datetime) -> datetime:
        """The last matching time strictly before `wall`."""
        return self.until(wall - datetime.resolution)

    def _walk(self, step: str, start: datetime) -> datetime:
        # A croniter keeps its position; the copy shares what was parsed and has a position of its own.
        iterator = copy.copy(self._blank)
        try:
            found: datetime = getattr(iterator, step)(datetime, start_time=start)
        except (ValueError, OverflowError) as error:
            raise NoMoreTimes from error
        return found


def _listed(field: CronField, all_values: int) -> str:
    return "*" if field.star and len(field.values) == all_values else ",".join(map(str, field.values))


def _floor(wall: datetime) -> datetime:
    return wall.replace(second=0, microsecond=0)
