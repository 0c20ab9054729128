"""What conversion by annotation takes, and what it refuses."""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NewType, Optional, TypeVar
from uuid import UUID

import msgspec
import pytest
from typing_extensions import TypeAliasType

from rota.engine.convert import convert
from rota.model.errors import ArgumentError, ConfigError

ID = UUID("12345678-1234-5678-1234-567812345678")
T = TypeVar("T")
Tenant = NewType("Tenant", str)
Counts = TypeAliasType("Counts", dict[str, int])


class Color(Enum):
    """Values of several sorts."""

    RED = "red"
    GREEN = "RED"
    PAIR = (1, 2)


class Level(IntEnum):
    """Numbers with names."""

    NONE = 0
    LOW = 1


class Mode(StrEnum):
    """Text with names."""

    FAST = "fast"


class Access(Flag):
    """Bits that combine."""

    READ = 1
    WRITE = 2


TAKEN = [
    ("42", int, 42), (" -7 ", int, -7), (3.0, int, 3), (True, int, True), ("9" * 30, int, int("9" * 30)),
    ("3.5", float, 3.5), (1, float, 1.0), ("1e3", float, 1000.0), ("-inf", float, -math.inf),
    ("true", bool, True), ("YES", bool, True), ("on", bool, True), ("1", bool, True), (1, bool, True),
    ("false", bool, False), ("No", bool, False), ("off", bool, False), ("0", bool, False), (0, bool, False),
    ("007", str, "007"), ("null", str, "null"),
    ("2024-05-06T07:08:09+02:00", datetime, datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=2)))),
    ("2024-05-06T07:08:09Z", datetime, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
    ("2024-05-06", date, date(2024, 5, 6)), ("07:08", time, time(7, 8)),
    ("PT5S", timedelta, timedelta(seconds=5)), ("-P1DT1S", timedelta, timedelta(days=-1, seconds=-1)),
    (5, timedelta, timedelta(seconds=5)), (0.25, timedelta, timedelta(milliseconds=250)),
    ("5", timedelta, timedelta(seconds=5)), ("5s", timedelta, timedelta(seconds=5)),
    ("1.5h", timedelta, timedelta(minutes=90)), ("5m", timedelta, timedelta(minutes=5)),
    ("5d", timedelta, timedelta(days=5)), ("5ms", timedelta, timedelta(milliseconds=5)),
    (str(ID), UUID, ID), (ID.hex, UUID, ID), ("1.50", Decimal, Decimal("1.50")), (1.1, Decimal, Decimal("1.1")),
    ("é", bytes, b"\xc3\xa9"), (bytearray(b"x"), bytes, b"x"), (b"x", bytearray, bytearray(b"x")),
    ("a/b", Path, Path("a/b")), (PurePosixPath("a"), Path, Path("a")),
    ("red", Color, Color.RED), ("RED", Color, Color.GREEN), ("GREEN", Color, Color.GREEN),
    ([1, 2], Color, Color.PAIR), ("1", Level, Level.LOW), ("0", Level, Level.NONE), (0, Level, Level.NONE),
    ("LOW", Level, Level.LOW), (3, Access, Access.READ | Access.WRITE),
    ("b", Literal["a", "b"], "b"), ("2", Literal[1, 2], 2), ("fast", Literal[Mode.FAST], Mode.FAST),
    ("null", None, None), (None, None, None), ("null", int | None, None),
    ("7", Optional[int], 7),  # noqa: UP045 - what users may still write

    ("7", int | str, "7"), ("7", int | float, 7), ("7.5", int | float, 7.5), (7, float | int, 7),
    ("x", int | None | str, "x"), ("2024-05-06", datetime | date, date(2024, 5, 6)),
    ("2024-05-06", date | datetime, date(2024, 5, 6)), ("5", int | timedelta, 5), (str(ID), UUID | str, str(ID)),
    ('["1", 2]', list[int], [1, 2]), ((1, "2"), list[int], [1, 2]), ([1, "2"], tuple[int, ...], (1, 2)),
    ("[1, 1]", set[int], {1}), ([1], frozenset[int], frozenset({1})),
    ('{"1": "yes"}', dict[int, bool], {1: True}), ({"a": 1}, OrderedDict[str, float], OrderedDict(a=1.0)),
    ((1,), Sequence[int], [1]), ({"a": "1"}, Mapping[str, int], {"a": 1}), ([1, "x"], list, [1, "x"]),
    ([], tuple[()], ()), ('[["1"]]', list[list[int]], [[1]]), ({1: [2]}, dict, {1: [2]}),
    ("x", Any, "x"), ("x", object, "x"), ("7", T, "7"), ("acme", Tenant, "acme"), ("7", Annotated[int, "note"], 7),
    ('{"a": "1"}', Counts, {"a": 1}), ("7", Annotated[int, msgspec.Meta(ge=7)], 7),
    (["7"], Annotated[list[int], msgspec.Meta(min_length=1)], [7]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "annotation", "expected"), TAKEN)
def test_value_that_means_the_same_is_converted(value: object, annotation: object, expected: object) -> None:
    """Text, numbers and JSON that mean a value of the annotated type become one, of exactly that type."""
    made = convert(value, annotation, where="x")
    assert (expected, type(expected)) == (made, type(made))


REFUSED = [
    ("3.9", int), (3.9, int), ("x", int), ("1_000", int), ("", int), (None, int), (b"1", int), ([1], int),
    (math.inf, int), ("x", float), ("1_0", float), (10**400, float), (None, float), (2, bool), ("2", bool), ("", bool),
    (1, str), (b"x", str), (None, str), ("x", None), ("none", int | None), (0, None),
    ("x", datetime), (5, datetime), (date(2024, 1, 1), datetime), (datetime(2024, 1, 1, tzinfo=UTC), date), ("x", date),
    ("25:00", time), ("5 years", timedelta), (math.nan, timedelta), (True, timedelta), ("9" * 20, timedelta),
    ("x", UUID), (5, UUID), ("x", Decimal), (True, Decimal), (5, bytes), ("\ud800", bytes), (5, Path),
    ("blue", Color), (5, Color), (True, Level), (9, Level), (8, Access), ("c", Literal["a", "b"]), (True, Literal[1]),
    ("x", int | float), ([1], int | None), ("abc", list[str]), ("abc", Sequence[str]), ({1}, list[int]),
    ("[1", list[int]), ({"a": 1}, list), ([1], dict), ([1], tuple[int, str]), ([[1]], set[Any]),
    ({"1": 1, "01": 2}, dict[int, int]), ("6", Annotated[int, msgspec.Meta(ge=7)]), (range(3), list[int]),
    ("7", Color | Level),
]  # fmt: skip


@pytest.mark.parametrize(("value", "annotation"), REFUSED)
def test_value_that_would_lose_something_is_refused(value: object, annotation: object) -> None:
    """What can't be converted without loss or guessing is an ArgumentError that opens with the place."""
    with pytest.raises(ArgumentError, match=r"^the place: "):
        convert(value, annotation, where="the place")


def test_nan_stays_nan() -> None:
    """Text of a NaN is a NaN."""
    made = convert("nan", float, where="x")
    assert isinstance(made, float)
    assert math.isnan(made)


def test_fixed_tuple_converts_each_item_by_its_own_type() -> None:
    """tuple[int, str] holds an int and a str."""
    assert (1, "2") == convert(["1", "2"], tuple[int, str], where="x")


@pytest.mark.parametrize(
    ("value", "annotation"),
    [(ID, UUID | str), (Decimal("1.5"), str | Decimal), (date(2024, 1, 1), date | str), ([ID], list[str] | list[UUID])],
)
def test_union_that_can_not_be_told_apart_when_stored_is_refused(value: object, annotation: object) -> None:
    """Where the worker would see another member of the union, the caller is told at once."""
    with pytest.raises(ArgumentError, match=r"would reach the job as .* narrow the annotation"):
        convert(value, annotation, where="x")


@pytest.mark.parametrize(
    ("value", "annotation"),
    [(Mode.FAST, Mode | str), (Level.LOW, Level | int), (Decimal("1.5"), float | Decimal), (ID, UUID | int),
     (datetime(2024, 1, 1, tzinfo=UTC), date | datetime), (date(2024, 1, 1), datetime | date), ({ID}, set[UUID] | int),
     ([math.nan, ID], list[float | UUID])],
)  # fmt: skip
def test_union_that_can_be_told_apart_passes(value: object, annotation: object) -> None:
    """Members with different stored forms, or equal values, pass."""
    assert value == convert(value, annotation, where="x")


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        ("x", int, "w: expected int, got 'x' (str)"),
        ([1, "x"], list[int], "w: item [1]: expected int, got 'x' (str)"),
        ({"a": [0, "x"]}, dict[str, list[int]] | None, "w: field a[1]: expected int, got 'x' (str)"),
        ("x" * 500, int | None, f"w: expected int | None, got '{'x' * 47}...{'x' * 48}' (str)"),
        ("blue", Level, "w: expected Level (NONE, LOW), got 'blue' (str)"),
        ([1], tuple[int, str], "w: expected tuple[int, str]; it has 2 items, got 1"),
        (5, Annotated[int, msgspec.Meta(ge=7)], "w: expected int >= 7, got 5 (int)"),
    ],
)
def test_refusal_names_place_expectation_and_value(value: object, annotation: object, message: str) -> None:
    """The message has the way to the spot, what was expected there, and the value, cut to about 100 characters."""
    with pytest.raises(ArgumentError) as caught:
        convert(value, annotation, where="w")
    assert message == caught.value.message


def test_annotation_as_text_is_a_config_error() -> None:
    """Text in the place of a type names nothing that a value could be converted to."""
    with pytest.raises(ConfigError, match="'Nowhere' can't be resolved"):
        convert(1, "Nowhere", where="x")


def test_bounds_on_something_without_size_are_a_config_error() -> None:
    """A bound that can't be checked is said so, not skipped."""
    with pytest.raises(ConfigError, match="bounds"):
        convert("red", Annotated[Color, msgspec.Meta(ge=1)], where="x")
    with pytest.raises(ConfigError, match="bounds"):
        convert(True, Annotated[bool, msgspec.Meta(ge=1)], where="x")
