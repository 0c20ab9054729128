"""The stored form of arguments and results."""

import math
import subprocess
import sys
from collections import OrderedDict, defaultdict
from contextlib import suppress
from dataclasses import dataclass, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rota.engine.codec import (
    decode,
    decode_arguments,
    decode_result,
    encode,
    encode_arguments,
    encode_result,
)
from rota.model.errors import CorruptRecord

ID = UUID("12345678-1234-5678-1234-567812345678")
atoms = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
)
keys = st.text() | st.integers(-(2**63), 2**64 - 1) | st.binary() | st.none()
data = st.recursive(atoms, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=10)


class Color(Enum):
    """Values of several sorts."""

    RED = "red"
    BOX = (1, 2)
    ODD = object()


class Level(IntEnum):
    """Numbers with names."""

    LOW = 1


class Text(str):
    """Text with a name of its own."""

    __slots__ = ()


@dataclass
class Line:
    """A class with fields."""

    sku: object


@given(data)
def test_plain_data_comes_back_the_same(value: object) -> None:
    """None, bool, int, float, str, bytes, lists and dicts, also with keys that are no text, survive as they are."""
    assert value == decode(encode(value))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 2**64 - 1, -(2**63), 5e-324])
def test_edge_of_numbers_survives(value: float) -> None:
    """NaN, infinities, the sign of zero and 64 bit bounds are kept."""
    assert repr(value) == repr(decode(encode(value)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2,)), [1, [2]]), ({1}, [1]), (frozenset({1}), [1]), (bytearray(b"x"), b"x"), (memoryview(b"x"), b"x"),
        (ID, str(ID)), (Decimal("1.50"), "1.50"), (Path("a/b"), "a/b"), (Color.RED, "red"), (Color.BOX, [1, 2]),
        (Level.LOW, 1), (Text("x"), "x"), (OrderedDict(a=1), {"a": 1}), (defaultdict(list, a=[1]), {"a": [1]}),
        (date(2024, 1, 2), "2024-01-02"), (time(1, 2, tzinfo=UTC), "01:02:00+00:00"), (timedelta(days=1), "P1D"),
        (datetime(2024, 1, 2, tzinfo=ZoneInfo("Europe/Berlin")), "2024-01-02T00:00:00+01:00"),
        (datetime(1880, 1, 1, tzinfo=timezone(timedelta(seconds=3208))), "1880-01-01T00:00:00+00:53:28"),
        (Line([ID]), {"sku": [str(ID)]}), ({(1, ID): 1}, {(1, str(ID)): 1}),
    ],
)  # fmt: skip
def test_data_without_a_form_of_its_own_is_stored_as_its_plain_form(value: object, expected: object) -> None:
    """Everything that an annotation can restore is stored in one plain form; UTC offsets are kept to the second."""
    assert expected == decode(encode(value))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), r"^<object object at .*> \(builtins\.object\) is not data; data is JSON types, .* pass an id"),
        ([1, {"a": (2, 1j)}], r"^item \[1\]\.a\[1\]: 1j \(builtins\.complex\) is not data"),
        (Line({"k": print}), r"^field sku\.k: <built-in function print>"),
        (Line, r"\(builtins\.type\) is not data"),
        ([2**64], r"^item \[0\]: 18446744073709551616 needs more than 64 bits; pass it as text or Decimal"),
        ({"a": [-(2**63) - 1]}, r"^field a\[0\]: -9223372036854775809 needs more than 64 bits"),
        ({2**64: 1}, r"^18446744073709551616 needs more than 64 bits"),
        (["ok", "\ud800"], r"^item \[1\]: '\\ud800' holds a lone surrogate"),
        (Path("a\udcff"), r"lone surrogate"),
        (time(1, tzinfo=ZoneInfo("Europe/Berlin")), "zone without a fixed UTC offset"),
        ({ID: 1, str(ID): 2}, "different keys that become one"),
        ({frozenset({1}): 1}, "is a container; keys are"),
        (Color.ODD, r"\(builtins\.object\) is not data"),
        (iter([1]), "is not data"),
    ],
)
def test_what_is_no_data_is_refused_by_name_and_place(value: object, message: str) -> None:
    """Nothing is changed silently: the TypeError names the spot, the type, and what data is."""
    with pytest.raises(TypeError, match=message):
        encode(value)


def test_data_that_contains_itself_is_refused() -> None:
    """A cycle has no end that could be stored."""
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(TypeError, match="contains itself"):
        encode(cycle)


def test_struct_with_odd_offset_keeps_it() -> None:
    """What msgspec itself would cut is kept inside its Structs too."""

    class Event(msgspec.Struct):
        at: datetime

    at = datetime(1880, 1, 1, tzinfo=timezone(timedelta(seconds=3208)))
    assert {"at": at.isoformat()} == decode(encode(Event(at)))


def test_encoding_does_not_import_pydantic() -> None:
    """Models are recognized by what they offer, so nobody pays for a library that is not in use."""
    code = "import sys, rota.engine.codec as c; c.encode({(1,)}); sys.exit('pydantic' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


@given(st.binary())
def test_bytes_that_are_no_data_are_a_corrupt_record(junk: bytes) -> None:
    """Any bytes either decode or raise CorruptRecord, nothing else."""
    for read in (decode, decode_arguments):
        with suppress(CorruptRecord):
            read(junk)


@given(st.lists(data), st.dictionaries(st.text(), data))
def test_arguments_come_back_as_list_and_dict(args: list[object], kwargs: dict[str, object]) -> None:
    """Arguments travel as msgpack of [args, kwargs]."""
    stored = encode_arguments(args, kwargs)
    assert (args, kwargs) == decode_arguments(stored)
    assert [args, kwargs] == msgspec.msgpack.decode(stored)


@pytest.mark.parametrize("value", [[], [[1]], [[1], {}, {}], {"a": 1}, [[1], {1: 2}], None])
def test_stored_arguments_of_another_shape_are_a_corrupt_record(value: object) -> None:
    """Only [args, kwargs] with names in kwargs are arguments."""
    with pytest.raises(CorruptRecord, match="stored arguments"):
        decode_arguments(encode(value))


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (ID, UUID, ID), ([(1, "a")], list[tuple[int, str]], [(1, "a")]), (Line(1), Line, Line(1)), (1, float, 1.0),
        (Color.BOX, Color, Color.BOX), (None, Line | None, None), (ID, None, str(ID)), ((1,), object, [1]), (5, int, 5),
    ],
)  # fmt: skip
def test_result_is_restored_by_annotation(value: object, annotation: object, expected: object) -> None:
    """A result comes back as the function says; plain without a word from it."""
    assert expected == decode_result(encode_result(value), annotation)


@pytest.mark.parametrize(
    ("value", "annotation"), [("42", int), ([1], dict[str, int]), ({"x": 1}, Line), ("x", bytes), (1, bool), (5, UUID)]
)
def test_result_that_does_not_fit_a_lying_annotation_comes_back_plain(value: object, annotation: object) -> None:
    """A result is never converted to what it was not, and never lost."""
    assert value == decode_result(encode_result(value), annotation)


def test_result_that_is_no_data_says_what_to_do() -> None:
    """The message tells that it is about the result, where, and the way out."""
    connection = make_dataclass("Connection", [("socket", object)])(object())
    with pytest.raises(
        TypeError, match=r"the job's result can't be stored: item \[0\]\.socket: .*; pass an id or a path"
    ):
        encode_result([connection])
