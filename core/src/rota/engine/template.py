"""Templates over argument names: `"invoice:{order.id}"` makes a key of a call's arguments."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Final

import msgspec

from rota.engine.dependencies import holds_output
from rota.engine.output import Output
from rota.engine.plain import ATOMS, NotData, plain
from rota.model.errors import ArgumentError, ConfigError

__all__ = ["Template"]

_FIELD: Final = re.compile(r"\w+(?:\.\w+|\[\w+\])*")
_STEP: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Template:
    """A template, read once. `parts` alternate: literal text, and the way to a value (empty at the end)."""

    text: str
    what: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def parse(cls, text: str, what: str) -> "Template":
        """Read a template; ConfigError when it is no template. `what` says in messages what it is for."""
        try:
            found = list(Formatter().parse(text))
        except ValueError as error:
            raise ConfigError(f"{what} {text!r} is no template: {error}") from error
        parts = []
        for literal, field, spec, conversion in found:
            if spec or conversion:
                raise ConfigError(f"{what} {text!r}: {{{field}}} takes no format or conversion; use the value as it is")
            parts.append((literal, () if field is None else _steps(field, f"{what} {text!r}")))
        return cls(text, what, tuple(parts))

    @property
    def names(self) -> frozenset[str]:
        """The arguments that it refers to."""
        return frozenset(steps[0] for _, steps in self.parts if steps)

    def render(self, values: Mapping[str, object]) -> str:
        """The text for these arguments; ArgumentError when a value is missing or is not data."""
        return "".join(literal + (self._text(values, steps) if steps else "") for literal, steps in self.parts)

    def _text(self, values: Mapping[str, object], steps: tuple[str, ...]) -> str:
        value = values.get(steps[0], _MISSING)
        for step in steps[1:]:
            value = _follow(value, step)
        if value is _MISSING:
            raise ArgumentError(f"{self.what} {self.text!r}: these arguments have no {'.'.join(steps)}")
        if type(value) is str:
            return value
        if holds_output(value):
            raise ArgumentError(
                f"{self.what} {self.text!r}: {'.'.join(steps)} is the result of another instance, known only when that "
                "has ended; a key is made when the call is scheduled"
            )
        try:
            return _write(plain(value))
        except NotData as error:
            raise ArgumentError(f"{self.what} {self.text!r}: {'.'.join(steps)} makes no key: {error}") from error


_MISSING: Final = object()


def _steps(field: str, where: str) -> tuple[str, ...]:
    steps = tuple(_STEP.findall(field))
    if _FIELD.fullmatch(field) is None:
        raise ConfigError(f"{where}: {{{field}}} is no argument name such as {{tenant}} or {{order.id}}")
    if any(step.startswith("_") for step in steps[1:]):
        raise ConfigError(f"{where}: {{{field}}} reaches for a private name")
    return steps


def _follow(value: object, step: str) -> object:
    """A field of data, in whichever form it has by now: an object's attribute, a key, an index. Of an output all that
    is known is that it has none yet."""
    if isinstance(value, Output):
        return value
    if isinstance(value, Mapping):
        return value.get(step, _MISSING)
    if isinstance(value, (list, tuple)) and step.isdecimal():
        return value[int(step)] if int(step) < len(value) else _MISSING
    return getattr(value, step, _MISSING)


def _write(value: object) -> str:
    if isinstance(value, str):
        return value
    if type(value) in ATOMS and not isinstance(value, bytes):
        return str(value)
    return msgspec.json.encode(value, order="deterministic").decode()
