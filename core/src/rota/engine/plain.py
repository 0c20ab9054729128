"""From Python values to plain data: what msgpack holds and every store keeps alike.

Own walk instead of msgspec's, which cuts the seconds off a UTC offset, turns aware datetimes to UTC
and can't name the spot of what it refuses.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import MappingProxyType, NoneType
from typing import Any, Final
from uuid import UUID

import msgspec

from rota.engine.mismatch import shorten, spot
from rota.engine.output import Output

__all__ = ["ATOMS", "DATA", "NotData", "plain"]

#: What stands in msgpack as it is.
ATOMS: Final = frozenset({int, str, float, bool, NoneType, bytes})

#: What a message says when something is not data.
DATA: Final = (
    "data is JSON types, bytes, datetime, date, time, timedelta, UUID, Decimal, Enum, Path, set, tuple, dataclass, "
    "TypedDict, NamedTuple, msgspec Struct and pydantic models; pass an id or a path that the job loads from"
)

_LEAVES: Final = (bytes, bytearray, memoryview, datetime, date, time, timedelta, UUID, Decimal)


class NotData(TypeError):
    """A value that can't be stored; `path` leads to it."""

    def __init__(self, problem: str, path: tuple[object, ...] = ()) -> None:
        super().__init__(f"{spot(path)}: {problem}" if path else problem)
        self.problem = problem
        self.path = path

    def inside(self, step: object) -> "NotData":
        """The same, seen from the container."""
        return NotData(self.problem, (step, *self.path))


def plain(value: object) -> object:
    """The plain form: None, bool, int, float, str, bytes, list and dict. NotData for anything that has none.

    Equal values give equal plain forms. Containers without anything to change are not copied.
    """
    kind = type(value)
    if kind in ATOMS:
        return value
    handler = _EXACT.get(kind)
    return handler(value) if handler else _plain_other(value)


def _plain_list(value: list[object]) -> list[object]:
    return value if ATOMS.issuperset(map(type, value)) else _plain_items(value)


def _plain_items(values: Iterable[object]) -> list[object]:
    items: list[object] = []
    try:
        for value in values:
            items.append(plain(value))  # noqa: PERF401 - the length tells the spot
    except NotData as error:
        raise error.inside(len(items)) from error.__cause__
    return items


def _plain_dict(value: dict[object, object]) -> dict[object, object]:
    if ATOMS.issuperset(map(type, value)) and ATOMS.issuperset(map(type, value.values())):
        return value
    items = {_plain_key(key): _plain_step(item, key) for key, item in value.items()}
    if len(items) < len(value):
        raise NotData("a dict with different keys that become one when stored, such as UUID(x) and str(UUID(x))")
    return items


def _plain_key(key: object) -> object:
    key = tuple(map(_plain_key, key)) if type(key) is tuple else plain(key)
    if isinstance(key, (list, dict)):
        raise NotData(f"the dict key {shorten(key)} is a container; keys are text, numbers or tuples of them")
    return key


def _plain_step(value: object, step: object) -> object:
    try:
        return plain(value)
    except NotData as error:
        raise error.inside(step) from error.__cause__


def _plain_time(value: time) -> str:
    if value.tzinfo is not None and value.utcoffset() is None:
        raise NotData(f"{value!r} has a zone without a fixed UTC offset, which a time alone can't hold")
    return value.isoformat()


def _plain_output(value: Output) -> object:
    reference = value.reference
    if reference is None:
        raise NotData(
            f"{value!r} can't stand here: it may be an argument, or an item of a list, a tuple or a dict's values"
        )
    return reference


def _plain_other(value: object) -> object:
    for base, handler in _BY_BASE:
        if isinstance(value, base):
            return handler(value)
    if hasattr(type(value), "model_dump"):
        return _plain_model(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain_step(getattr(value, field.name), field.name) for field in fields(value)}
    if hasattr(type(value), "unicode_string"):  # a URL of pydantic
        return str(value)
    raise NotData(f"{shorten(value)} ({type(value).__module__}.{type(value).__qualname__}) is not data; {DATA}")


def _plain_struct(value: object) -> object:
    return plain(msgspec.to_builtins(value, builtin_types=_LEAVES, enc_hook=plain))


def _plain_model(value: Any) -> object:
    # Field names, not aliases: reading and writing aliases may differ. round_trip leaves computed fields out.
    return plain(value.model_dump(mode="python", by_alias=False, round_trip=True, warnings=False))


_EXACT: Final[MappingProxyType[type, Callable[[Any], object]]] = MappingProxyType(
    {
        list: _plain_list,
        tuple: _plain_items,
        dict: _plain_dict,
        set: _plain_items,
        frozenset: _plain_items,
        datetime: datetime.isoformat,
        date: date.isoformat,
        time: _plain_time,
        timedelta: msgspec.to_builtins,
        Output: _plain_output,
        UUID: str,
        Decimal: str,
        bytearray: bytes,
        memoryview: bytes,
    }
)

_BY_BASE: Final[tuple[tuple[type, Callable[[Any], object]], ...]] = (
    (Enum, lambda value: plain(value.value)),
    (msgspec.Struct, _plain_struct),
    (PurePath, str),
    (str, lambda value: str.__str__(value)),
    (int, lambda value: int.__int__(value)),
    (float, lambda value: float.__float__(value)),
    (datetime, datetime.isoformat),
    (date, date.isoformat),
    (UUID, str),
    (Decimal, str),
    (dict, lambda value: _plain_dict(dict(value))),
    (list, _plain_items),
    (tuple, _plain_items),
    (set, _plain_items),
    (frozenset, _plain_items),
)
