"""A value that does not fit what is expected: raised inside the engine, with the way to the spot."""

from collections.abc import Sequence
from reprlib import Repr
from types import EllipsisType, NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

__all__ = ["Mismatch", "describe", "shorten", "spot"]

_SHOWN = 100


class Mismatch(ValueError):
    """A value did not fit; `path` leads to it through fields, indexes and keys.

    The text is made only when asked for, since unions try and discard.
    """

    def __init__(
        self, expected: str, value: object = None, *, problem: str = "", path: tuple[object, ...] = ()
    ) -> None:
        super().__init__(expected)
        self.expected = expected
        self.value = value
        self.problem = problem
        self.path = path

    def inside(self, step: object) -> "Mismatch":
        """The same, seen from the container: `step` is the field, index or key that leads to it."""
        return Mismatch(self.expected, self.value, problem=self.problem, path=(step, *self.path))

    def __str__(self) -> str:
        text = f"expected {self.expected}"
        text += f"; {self.problem}" if self.problem else f", got {shorten(self.value)} ({type(self.value).__name__})"
        return f"{spot(self.path)}: {text}" if self.path else text


def spot(path: Sequence[object]) -> str:
    """A path as a reader writes it: `field lines[0].qty`, `item [2]`."""
    steps = [f".{step}" if isinstance(step, str) else f"[{step!r}]" for step in path]
    kind = "field" if isinstance(path[0], str) else "item"
    return f"{kind} {''.join(steps).removeprefix('.')}"


def shorten(value: object) -> str:
    """The repr of a value, cut to about 100 characters; never the cost of a long one."""
    short = Repr()
    short.maxstring = short.maxother = short.maxlong = _SHOWN
    short.maxlist = short.maxtuple = short.maxset = short.maxfrozenset = short.maxdict = 8
    try:
        text = short.repr(value)
    except ValueError:  # an int with more digits than Python writes
        text = f"a {type(value).__name__} too long to be shown"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def describe(annotation: object) -> str:
    """An annotation as a reader writes it: `list[Order] | None`."""
    if annotation is None or annotation is NoneType:
        return "None"
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, EllipsisType):
        return "..."
    if isinstance(annotation, list):
        return f"[{', '.join(map(describe, annotation))}]"
    return _describe_generic(annotation)


def _describe_generic(annotation: object) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " | ".join(map(describe, args))
    if origin is Annotated:
        return describe(args[0])
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, args))}]"
    if origin is not None and args:
        return f"{_name(origin)}[{', '.join(map(describe, args))}]"
    return _name(annotation)


def _name(annotation: object) -> str:
    return getattr(annotation, "__name__", None) or repr(annotation).removeprefix("typing.")
