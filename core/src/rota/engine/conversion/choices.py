"""Conversions to one of a fixed set of values: enum and Literal."""

from enum import Enum, Flag

from rota.engine.conversion.scalars import SCALARS, Converter
from rota.engine.mismatch import Mismatch, describe
from rota.engine.plain import NotData, plain

__all__ = ["enum_converter", "literal_converter"]


def enum_converter(cls: type[Enum]) -> Converter:
    """A member of `cls`: by value as it is stored, then (leniently) by value written as text, then by name."""
    stored = [(_stored(member.value), member) for member in cls]

    def convert_enum(value: object, strict: bool) -> object:
        if isinstance(value, cls):
            return value
        found = _same(stored, value)
        found = _by_value(cls, value) if found is None else found
        if found is None and isinstance(value, str) and not strict:
            found = _by_text(stored, value)
            found = cls.__members__.get(value) if found is None else found
        if found is not None:
            return found
        raise Mismatch(f"{cls.__name__} ({', '.join(cls.__members__)})", value)

    return convert_enum


def _stored(value: object) -> object:
    try:
        return plain(value)
    except NotData:
        return object()  # matches nothing; the member can be named, but not stored


def _same(stored: list[tuple[object, Enum]], value: object) -> Enum | None:
    return next((member for known, member in stored if _equal(known, value)), None)


def _equal(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right


def _by_value(cls: type[Enum], value: object) -> Enum | None:
    # Flags combine, and a class may define _missing_: only the class knows.
    try:
        found = cls(value)
    except (ValueError, TypeError):
        return None
    if isinstance(found, Flag) and found.value != value:  # some Pythons drop bits that no member has
        return None
    return None if isinstance(value, bool) and not isinstance(found.value, bool) else found


def _by_text(stored: list[tuple[object, Enum]], text: str) -> Enum | None:
    return next((member for known, member in stored if _reads_as(text, known)), None)


def _reads_as(text: str, known: object) -> bool:
    converter = SCALARS.get(type(known))
    try:
        return converter is not None and _equal(converter(text, False), known)
    except Mismatch:
        return False


def literal_converter(options: tuple[object, ...]) -> Converter:
    """One of `options`: equal in type and value, in its stored form, or (leniently) written as text."""
    expected = " or ".join(option.name if isinstance(option, Enum) else repr(option) for option in options)

    def convert_literal(value: object, strict: bool) -> object:
        for option in options:
            if _equal(option, value) or _equal(_stored(option), value):
                return option
        if isinstance(value, str) and not strict:
            for option in options:
                if _reads_as(value, option) or (isinstance(option, Enum) and option.name == value):
                    return option
        raise Mismatch(expected or describe(options), value)

    return convert_literal
