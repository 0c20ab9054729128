"""The five fields of a cron expression: read, checked, and written in one normal form.

The rules are those of crontab(5), as Vixie and ISC cron have them. Reading is ours because croniter takes
more than cron does and some of it otherwise: `10-10` in the month field is every month to it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from rota.model.errors import ConfigError

__all__ = ["CronField", "CronFields", "parse_fields"]

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_ALIASES: Final[Mapping[str, str]] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_TOKEN: Final = re.compile(r"(?:(\*)|([0-9]+|[a-z]{3})(?:-([0-9]+|[a-z]{3}))?)(?:/([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class CronField:
    """What one field selects. `star` says that it is written with a `*` in front, which cron's rules ask for."""

    values: tuple[int, ...]
    star: bool
    text: str


@dataclass(frozen=True, slots=True)
class CronFields:
    """An expression, field by field; Sunday is 0."""

    minute: CronField
    hour: CronField
    day: CronField
    month: CronField
    weekday: CronField

    @property
    def text(self) -> str:
        """The normal form: numbers for names, sorted, ranges where they are shorter. It reads back as itself."""
        return " ".join(field.text for field in (self.minute, self.hour, self.day, self.month, self.weekday))

    @property
    def fixed(self) -> bool:
        """True for a job at fixed times of the day, False for one that follows real time (cron(8))."""
        return not self.minute.star and not self.hour.star

    @property
    def either_day(self) -> bool:
        """True when a day of the month or a day of the week is enough: both restricted (crontab(5))."""
        return not self.day.star and not self.weekday.star

    @property
    def day_exists(self) -> bool:
        """False when no month selected is ever long enough for a day selected."""
        return self.day.values[0] <= max(_LONGEST[month - 1] for month in self.month.values)


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_RULES: Final = (
    _Rule("minute", 0, 59),
    _Rule("hour", 0, 23),
    _Rule("day of month", 1, 31),
    _Rule("month", 1, 12, _MONTHS),
    _Rule("day of week", 0, 6, _DAYS),
)


def parse_fields(expression: str) -> CronFields:
    """Read five fields or an alias such as `@daily`; ConfigError says what is wrong and what to write instead."""
    if not isinstance(expression, str):
        raise ConfigError(f"Cron({expression!r}): an expression is text of five fields, such as '*/5 * * * *'")
    texts = _split(expression)
    fields = CronFields(*(_Reader(expression, rule).field(text) for rule, text in zip(_RULES, texts, strict=True)))
    if not fields.either_day and not fields.day_exists:
        months = ", ".join(_MONTHS[month - 1].capitalize() for month in fields.month.values)
        _refuse(expression, f"no day {fields.day.text} ever comes in {months}", "choose a day that the month has")
    return fields


def _refuse(expression: str, problem: str, fix: str) -> NoReturn:
    raise ConfigError(f"Cron({expression!r}): {problem}; {fix}")


def _split(expression: str) -> Sequence[str]:
    texts = expression.lower().split()
    if texts and texts[0].startswith("@"):
        texts = _alias(expression, texts).split()
    if len(texts) in (6, 7):
        fix = "leave out seconds and years: write five, or rota.Every(seconds) for less than a minute"
        _refuse(expression, f"{len(texts)} fields, and a rota cron counts minutes", fix)
    if len(texts) != 5:
        fix = "write minute, hour, day of month, month and day of week, such as '30 2 * * mon-fri'"
        _refuse(expression, f"five fields are needed, there {'is' if len(texts) == 1 else 'are'} {len(texts)}", fix)
    return texts


def _alias(expression: str, texts: Sequence[str]) -> str:
    if texts[0] == "@reboot":
        _refuse(expression, "@reboot names no time", "schedule the job where the program starts, by job.schedule()")
    if texts[0] == "@every":
        _refuse(expression, "a period is no cron", "write rota.Every(seconds) or rota.Every(timedelta(...))")
    if len(texts) > 1 or texts[0] not in _ALIASES:
        _refuse(expression, "it is none of the known names", f"write five fields or one of {', '.join(_ALIASES)}")
    return _ALIASES[texts[0]]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one field of an expression."""

    expression: str
    rule: _Rule

    def field(self, text: str) -> CronField:
        tokens = text.split(",")
        values = sorted({value for token in tokens for value in self._values(token)})
        star = text.startswith("*")
        step = int(tokens[0].partition("/")[2] or 1)
        return CronField(tuple(values), star, self._star_text(values, step) if star else _shortest(values))

    def _values(self, token: str) -> list[int]:
        match = _TOKEN.fullmatch(token)
        if match is None:
            self._refuse(token, f"write {self._allowed()}, ranges a-b, steps */n or a-b/n, and lists of these")
        star, first, last, step_text = match.groups()
        step = 1 if step_text is None else int(step_text)
        if step < 1:
            self._refuse(token, "a step is 1 or more")
        low, high = (self.rule.low, self.rule.high) if star else self._range(token, first, last, bool(step_text))
        sunday_is_zero = self.rule.high + 1 if self.rule.names is _DAYS else 99
        return [value % sunday_is_zero for value in range(low, high + 1, step)]

    def _range(self, token: str, first: str, last: str | None, stepped: bool) -> tuple[int, int]:
        low = self._number(token, first)
        high = low if last is None else self._number(token, last)
        if self.rule.names is _DAYS:
            low, high = _week(low, high)
        if last is None:
            return low, self.rule.high if stepped else low
        if high < low:
            upwards = f"{low}-{self.rule.high},{self.rule.low}-{high}"
            self._refuse(token, f"a range goes upwards: write {upwards}")
        return low, high

    def _number(self, token: str, text: str) -> int:
        if text in self.rule.names:
            return self.rule.names.index(text) + self.rule.low
        highest = 7 if self.rule.names is _DAYS else self.rule.high
        if not text.isdecimal() or len(text) > 2 or not self.rule.low <= int(text) <= highest:
            self._refuse(token, f"write {self._allowed()}")
        return int(text)

    def _allowed(self) -> str:
        numbers = f"{self.rule.low}-{self.rule.high}"
        return f"{numbers} or {self.rule.names[0]}-{self.rule.names[-1]}" if self.rule.names else numbers

    def _refuse(self, token: str, fix: str) -> NoReturn:
        _refuse(self.expression, f"{token!r} can't stand in the field {self.rule.name!r}", fix)

    def _star_text(self, values: Sequence[int], step: int) -> str:
        if len(values) == self.rule.high - self.rule.low + 1:
            return "*"
        rest = sorted(set(values) - set(range(self.rule.low, self.rule.high + 1, step)))
        return f"*/{step},{_shortest(rest)}" if rest else f"*/{step}"


def _week(low: int, high: int) -> tuple[int, int]:
    # Sunday is 0 and 7: the one that lets a range go upwards.
    if low == 7:
        return 0, high % 7
    return low, 7 if high == 0 and low > 0 else high


def _shortest(values: Sequence[int]) -> str:
    step = values[1] - values[0] if len(values) > 2 else 1
    if step > 1 and list(values) == list(range(values[0], values[-1] + 1, step)):
        return f"{values[0]}-{values[-1]}/{step}"
    runs: list[list[int]] = []
    for value in values:
        if runs and runs[-1][-1] + 1 == value:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(_run_text(run) for run in runs)


def _run_text(run: Sequence[int]) -> str:
    return f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run))
