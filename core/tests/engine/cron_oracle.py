"""Cron's rules once more, by brute force: what `Cron` is compared with.

Written from crontab(5) and cron(8) alone, without croniter and without the source under test: the instants are
walked minute by minute, as the daemon does, with the furthest wall time shown so far in mind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

MINUTE = timedelta(minutes=1)
MINUTE_MS = 60_000
WARM_UP_MS = 30 * 3_600_000  # longer than any change of clocks, to know the furthest wall time

_SPANS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


@dataclass(frozen=True)
class Field:
    """A field as text and as what it means."""

    text: str
    values: frozenset[int]

    @property
    def star(self) -> bool:
        """As the source of cron has it: the first character counts."""
        return self.text[0] == "*"


@dataclass(frozen=True)
class Expression:
    """Five fields."""

    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    @property
    def text(self) -> str:
        """The expression as a user writes it."""
        return " ".join(f.text for f in (self.minute, self.hour, self.day, self.month, self.weekday))

    @property
    def fixed(self) -> bool:
        """Neither minute nor hour begins with a star."""
        return not (self.minute.star or self.hour.star)

    @property
    def possible(self) -> bool:
        """False when it names no day of any year."""
        either = not self.day.star and not self.weekday.star
        leap_year = (datetime(2028, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(366))
        return either or any(d.month in self.month.values and d.day in self.day.values for d in leap_year)

    def names_day(self, day: datetime) -> bool:
        """True when the two day fields and the month name the day."""
        by_date, by_weekday = day.day in self.day.values, day.isoweekday() % 7 in self.weekday.values
        either = not self.day.star and not self.weekday.star
        return day.month in self.month.values and ((by_date or by_weekday) if either else (by_date and by_weekday))

    def names(self, wall: datetime) -> bool:
        """True when the fields name the wall time."""
        return wall.minute in self.minute.values and wall.hour in self.hour.values and self.names_day(wall)


def slots(expression: Expression, zone: str, low_ms: int, high_ms: int) -> list[int]:
    """All slots t with low_ms <= t < high_ms, both on full minutes."""
    return list(_slots(expression, _walls(zone, low_ms - WARM_UP_MS, high_ms), low_ms))


def _slots(expression: Expression, walls: tuple[tuple[int, datetime], ...], low_ms: int) -> Iterator[int]:
    furthest = walls[0][1]
    for (_, previous), (at_ms, wall) in pairwise(walls):
        furthest = max(furthest, previous)
        if at_ms < low_ms:
            continue
        if not expression.fixed:
            due = expression.names(wall)
        else:
            new = (wall - MINUTE * n for n in range((wall - furthest) // MINUTE))  # none while clocks repeat
            due = any(map(expression.names, new))
        if due:
            yield at_ms


@cache
def _walls(zone: str, low_ms: int, high_ms: int) -> tuple[tuple[int, datetime], ...]:
    return tuple((at_ms, wall_at(at_ms, ZoneInfo(zone))) for at_ms in range(low_ms, high_ms, MINUTE_MS))


def wall_at(at_ms: int, zone: tzinfo) -> datetime:
    """What the clock of a zone shows."""
    return datetime.fromtimestamp(at_ms // 1000, zone).replace(tzinfo=None, fold=0)


def utc_slots(expression: Expression, after_ms: int, days: int) -> Iterator[int]:
    """The slots strictly after an instant, within some days, in UTC, where clocks never change; day by day."""
    start = datetime.fromtimestamp(after_ms / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    hours, minutes = sorted(expression.hour.values), sorted(expression.minute.values)
    times = [timedelta(hours=hour, minutes=minute) for hour in hours for minute in minutes]
    for day in (start + timedelta(days=n) for n in range(days)):
        if expression.names_day(day):
            yield from (ms for time in times if (ms := int((day + time).timestamp() * 1000)) > after_ms)


@st.composite
def _tokens(draw: st.DrawFn, position: int, focus: tuple[int, ...]) -> Field:
    low, high = _SPANS[position]
    some = st.sampled_from([v for v in focus if low <= v <= high] or [low]) | st.integers(low, high)
    first, last = sorted((draw(some), draw(some)))
    step = draw(st.integers(1, 7) | st.integers(1, high + 1))
    write = draw(st.sampled_from(_STYLES.get(position, _NUMBERS)))
    return draw(st.sampled_from([
        Field(write(first), frozenset({first})),
        Field(f"{write(first)}-{write(last)}", frozenset(range(first, last + 1))),
        Field(f"{write(first)}-{write(first)}", frozenset({first})),
        Field(f"{write(first)}-{write(last)}/{step}", frozenset(range(first, last + 1, step))),
        Field(f"{write(first)}/{step}", frozenset(range(first, high + 1, step))),
        Field(f"*/{step}", frozenset(range(low, high + 1, step))),
    ]))  # fmt: skip


_NUMBERS = [str, "{:02}".format]
_STYLES = {
    3: [*_NUMBERS, lambda month: _MONTHS[month - 1], lambda month: _MONTHS[month - 1].upper()],
    4: [*_NUMBERS, lambda day: _DAYS[day], lambda day: _DAYS[day].capitalize()],
}


@st.composite
def _fields(draw: st.DrawFn, position: int, focus: tuple[int, ...]) -> Field:
    low, high = _SPANS[position]
    if draw(st.booleans()):
        return Field("*", frozenset(range(low, high + 1)))
    tokens = draw(st.lists(_tokens(position, focus), min_size=1, max_size=3))
    return Field(",".join(t.text for t in tokens), frozenset[int]().union(*(t.values for t in tokens)))


def expressions(near: datetime) -> st.SearchStrategy[Expression]:
    """Random expressions of every form, whose times lie often in the hours and days around a wall time."""
    days = [near + timedelta(days=n) for n in (-1, 0, 1)]
    focus = (
        (0, 15, 29, 30, 31, 45, 59),
        tuple((near + timedelta(hours=n)).hour for n in (-2, -1, 0, 1, 2)),
        tuple(day.day for day in days),
        tuple(day.month for day in days),
        tuple(day.isoweekday() % 7 for day in days),
    )
    fields = (_fields(position, values) for position, values in enumerate(focus))
    return st.builds(Expression, *fields).filter(lambda expression: expression.possible)
