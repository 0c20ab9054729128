"""What users write at the command line: durations, instants, states, schedule triggers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from rota.engine.convert import converter_of
from rota.engine.mismatch import Mismatch
from rota.model.state import State

__all__ = ["DURATION", "INSTANT", "STATE", "AgoOrInstant"]


class _Converted(click.ParamType[Any]):
    """A type of click on a converter of rota's, so that texts mean the same here as in a job's arguments."""

    def __init__(self, name: str, annotation: Any) -> None:
        self.name = name
        self._convert: Callable[[object, bool], Any] = converter_of(annotation)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value, or a usage error that says what is expected."""
        try:
            return self._convert(value, False)
        except Mismatch as error:
            self.fail(str(error), param, ctx)


class _Instant(_Converted):
    """An instant with a zone; one without is UTC."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware datetime."""
        found: datetime = super().convert(value, param, ctx)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


class AgoOrInstant(click.ParamType[datetime]):
    """An instant, or how long ago: `2h`. `now` answers the present one."""

    name = "instant or duration ago"

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware datetime."""
        try:
            ago: timedelta = DURATION.convert(value, param, ctx)
        except click.BadParameter:
            return INSTANT.convert(value, param, ctx)
        return self._now() - ago


class _State(click.ParamType[State]):
    """The name of a state, in any case."""

    name = "state"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> State:
        """The state."""
        try:
            return State(value.lower())
        except ValueError:
            self.fail(f"{value!r} is no state; there are {', '.join(state.value for state in State)}", param, ctx)


DURATION: Final = _Converted("duration", timedelta)  #: `30`, `5s`, `2h`, `PT5M`
INSTANT: Final = _Instant("instant", datetime)  #: `2026-01-31T09:00+01:00`
STATE: Final = _State()
