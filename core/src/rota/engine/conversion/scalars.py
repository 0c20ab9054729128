"""Conversions of single values: numbers, text, truth, dates, durations and the like.

A converter takes `(value, strict)`. Strict, it takes an instance or the stored form and nothing else; otherwise also
what a human writes at a command line. It returns a value of its type or raises Mismatch, and never loses anything.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
from pathlib import PurePath
from types import MappingProxyType, NoneType
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from rota.engine.mismatch import Mismatch

__all__ = ["SCALARS", "Converter", "path_converter"]

Converter: TypeAlias = Callable[[object, bool], object]

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,4000}", re.ASCII)
_SPAN: Final = re.compile(r"([+-]?[0-9]+(?:\.[0-9]*)?|[+-]?\.[0-9]+)\s*(ms|s|m|h|d)?", re.ASCII)
_TRUTH: Final = MappingProxyType(
    {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
)
_UNITS: Final = MappingProxyType(
    {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", None: "seconds"}
)


def _none(value: object, strict: bool) -> object:
    if value is None or (not strict and value == "null"):
        return None
    raise Mismatch("None", value)


def _bool(value: object, strict: bool) -> object:
    if isinstance(value, bool):
        return value
    if not strict:
        if type(value) is int and value in (0, 1):
            return value == 1
        if isinstance(value, str) and (truth := _TRUTH.get(value.strip().lower())) is not None:
            return truth
    raise Mismatch("bool", value)


def _int(value: object, strict: bool) -> object:
    if isinstance(value, int):
        return value
    if not strict:
        if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
            return int(value)
        if isinstance(value, float) and value.is_integer():
            return int(value)
    raise Mismatch("int", value)


def _float(value: object, strict: bool) -> object:
    if isinstance(value, float):
        return value
    try:
        if isinstance(value, int):
            return float(value)
        if not strict and isinstance(value, str) and "_" not in value:
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise Mismatch("float", value)


def _str(value: object, strict: bool) -> object:
    if isinstance(value, str):
        return value
    raise Mismatch("str", value)


def _bytes(value: object, strict: bool) -> object:
    if isinstance(value, bytes):
        return value
    return bytes(_bytearray_like("bytes", value, strict))


def _bytearray(value: object, strict: bool) -> object:
    return value if isinstance(value, bytearray) else bytearray(_bytearray_like("bytearray", value, strict))


def _bytearray_like(expected: str, value: object, strict: bool) -> bytes | bytearray | memoryview:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return value
    if not strict and isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise Mismatch(expected, value, problem="text with a lone surrogate has no UTF-8 form") from error
    raise Mismatch(expected, value)


def _datetime(value: object, strict: bool) -> object:
    if isinstance(value, datetime):
        return value
    # Strict means as isoformat writes it: read more freely, a stored date is midnight, and a time of day 20:24 in 2024.
    if isinstance(value, str) and not (strict and len(value) <= len("2024-01-01")):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise Mismatch("datetime (ISO 8601)", value)


def _date(value: object, strict: bool) -> object:
    if isinstance(value, datetime):
        raise Mismatch("date", value, problem=f"the datetime {value.isoformat()} has a time too; pass its .date()")
    if isinstance(value, date):
        return value
    if isinstance(value, str) and not (strict and len(value) != len("2024-01-01")):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise Mismatch("date (ISO 8601)", value)


def _time(value: object, strict: bool) -> object:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and not (strict and ":" not in value[:3]):
        try:
            return time.fromisoformat(value)
        except ValueError:
            pass
    raise Mismatch("time (ISO 8601)", value)


def _timedelta(value: object, strict: bool) -> object:
    if isinstance(value, timedelta):
        return value
    try:
        if isinstance(value, str) and "P" in value:
            return msgspec.convert(value, timedelta)
        if not strict:
            return _span(value)
    except (msgspec.ValidationError, OverflowError):
        pass
    raise Mismatch("timedelta (ISO 8601, seconds, or 5ms, 5s, 5m, 5h, 5d)", value)


def _span(value: object) -> timedelta:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        return timedelta(seconds=value)
    if isinstance(value, str) and (match := _SPAN.fullmatch(value.strip())):
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    raise OverflowError


def _uuid(value: object, strict: bool) -> object:
    if isinstance(value, UUID):
        return value
    if isinstance(value, str) and not (strict and "-" not in value):
        try:
            return UUID(value)
        except ValueError:
            pass
    raise Mismatch("UUID", value)


def _decimal(value: object, strict: bool) -> object:
    if isinstance(value, Decimal):
        return value
    # A float is read as it prints: 1.1 is meant as 1.1, not as the nearest fraction of a power of two.
    lenient = not strict and isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(value, str) or lenient:
        try:
            return Decimal(str(value))
        except InvalidOperation:
            pass
    raise Mismatch("Decimal", value)


def path_converter(cls: type[PurePath]) -> Converter:
    """A path from text or from another kind of path."""

    def convert_path(value: object, strict: bool) -> object:
        if isinstance(value, cls):
            return value
        if isinstance(value, str) or (isinstance(value, PurePath) and not strict):
            return cls(value)
        raise Mismatch(cls.__name__, value)

    return convert_path


#: The converter of each type that stands for itself.
SCALARS: Final[MappingProxyType[object, Converter]] = MappingProxyType(
    {
        None: _none, NoneType: _none, bool: _bool, int: _int, float: _float, str: _str,
        bytes: _bytes, bytearray: _bytearray, datetime: _datetime, date: _date, time: _time, timedelta: _timedelta,
        UUID: _uuid, Decimal: _decimal,
    }
)  # fmt: skip
