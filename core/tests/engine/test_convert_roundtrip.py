"""Whatever an annotation takes reaches the job unchanged: bind, store, read, bind again."""

import math
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict
from uuid import UUID

import msgspec
import pydantic
from hypothesis import given
from hypothesis import strategies as st

from rota.engine.arguments import ArgumentPlan
from rota.engine.codec import decode_result, encode_result
from rota.model.errors import ArgumentError


class Color(Enum):
    """Values of several sorts."""

    RED = "red"
    GREEN = 2
    BOX = (1, "x")
    WHEN = date(2024, 1, 1)


class Level(IntEnum):
    """Numbers with names."""

    LOW = 1
    HIGH = 9


@dataclass(frozen=True)
class Line:
    """A class with fields."""

    sku: str
    price: Decimal = Decimal(0)
    tags: frozenset[str] = frozenset()


@dataclass
class Order:
    """A class with fields."""

    id: UUID
    lines: list[Line]
    by_day: dict[date, timedelta] = field(default_factory=dict)
    parent: "Order | None" = None


class Filter(TypedDict):
    """A mapping with known keys."""

    limit: int
    color: NotRequired[Color]


class Point(NamedTuple):
    """A tuple with names."""

    x: float
    at: time | None = None


class Event(msgspec.Struct, frozen=True):
    """A Struct."""

    id: UUID
    took: timedelta
    raw: bytes
    line: tuple[int, str]


class Model(pydantic.BaseModel):
    """A pydantic model."""

    id: UUID
    at: datetime
    raw: bytes
    prices: list[Decimal]


# Without folds and gaps: there Python calls equal instants of two zones unequal.
moments = st.datetimes() | st.datetimes(timezones=st.timezones(), allow_imaginary=False).map(
    lambda moment: moment.replace(fold=0)
).filter(lambda moment: moment.replace(fold=1).utcoffset() == moment.utcoffset())
# ISO offsets with seconds, as before 1900, are refused by pydantic itself.
whole_minutes = moments.filter(lambda moment: not moment.tzinfo or len(moment.strftime("%z")) == len("+0100"))
ints = st.integers(-(2**63), 2**64 - 1)
decimals = st.decimals(allow_nan=False)
lines = st.builds(Line, st.text(), decimals, st.frozensets(st.text(max_size=3), max_size=3))
orders = st.recursive(
    st.builds(Order, st.uuids(), st.lists(lines, max_size=2), st.dictionaries(st.dates(), st.timedeltas(), max_size=2)),
    lambda inner: st.builds(Order, st.uuids(), st.just([]), st.just({}), inner),
    max_leaves=3,
)

LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, ints), (float, st.floats(allow_nan=False)), (str, st.text()), (bool, st.booleans()), (bytes, st.binary()),
    (None, st.none()), (datetime, moments), (date, st.dates()), (time, st.times()), (timedelta, st.timedeltas()),
    (UUID, st.uuids()), (Decimal, decimals), (Color, st.sampled_from(Color)), (Level, st.sampled_from(Level)),
    (Literal["a", 2, True, Level.LOW], st.sampled_from(["a", 2, True, Level.LOW])), (Line, lines), (Order, orders),
    (Filter, st.fixed_dictionaries({"limit": ints}, optional={"color": st.sampled_from(Color)})),
    (Point, st.builds(Point, st.floats(allow_nan=False), st.none() | st.times())),
    (Event, st.builds(Event, st.uuids(), st.timedeltas(), st.binary(), st.tuples(ints, st.text()))),
    (Model, st.builds(Model, id=st.uuids(), at=whole_minutes, raw=st.binary(),
     prices=st.lists(st.decimals(allow_nan=False, allow_infinity=False), max_size=2))),
    (Any, st.recursive(st.none() | st.booleans() | ints | st.text() | st.binary(), st.lists, max_leaves=4)),
]  # fmt: skip
KEYS = [pair for pair in LEAVES if pair[0] in (int, str, bool, bytes, date, UUID)]
UNIONS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int | str, ints | st.text()), (int | float, ints | st.floats(allow_nan=False)), (Order | None, orders | st.none()),
    (date | datetime | time | timedelta, st.dates() | moments | st.times() | st.timedeltas()),
    (UUID | int | Line | Point | None, st.uuids() | ints | lines | st.none() | st.just(Point(0.5))),
    (list[int] | dict[str, date], st.lists(ints) | st.dictionaries(st.text(), st.dates())),
    (Decimal | float, decimals | st.floats(allow_nan=False)), (Level | str, st.sampled_from(Level) | st.text()),
    (bytes | str | bool, st.binary() | st.text() | st.booleans()),
]  # fmt: skip


#: The same names without a type, for subscripts that are made here.
make_dict: Any = dict
make_list: Any = list
make_set: Any = set
make_frozenset: Any = frozenset
make_tuple: Any = tuple


@st.composite
def typed_values(draw: st.DrawFn, depth: int = 2) -> tuple[Any, Any]:
    """An annotation, and a value of it."""
    shape = draw(st.sampled_from(["leaf", "union", "list", "set", "frozenset", "tuple", "tuples", "dict", "optional"]))
    if depth == 0 or shape in ("leaf", "union"):
        annotation, values = draw(st.sampled_from(UNIONS if shape == "union" else LEAVES))
        return annotation, draw(values)
    if shape in ("set", "frozenset", "dict"):
        key, keys = draw(st.sampled_from(KEYS))
        if shape == "dict":
            inner, value = draw(typed_values(depth - 1))
            return make_dict[key, inner], dict.fromkeys(draw(st.lists(keys, max_size=2)), value)
        return (make_set[key], draw(st.sets(keys, max_size=3))) if shape == "set" else (
            make_frozenset[key], draw(st.frozensets(keys, max_size=3)))  # fmt: skip
    inner, value = draw(typed_values(depth - 1))
    if shape == "list":
        return make_list[inner], [value] * draw(st.integers(0, 2))
    if shape == "tuples":
        return make_tuple[inner, ...], (value,) * draw(st.integers(0, 2))
    if shape == "tuple":
        other, second = draw(typed_values(depth - 1))
        return make_tuple[inner, other], (value, second)
    return inner | None if inner is not None else None, draw(st.sampled_from([value, None]))


def plan_of(annotation: object) -> ArgumentPlan:
    """The plan of a job with one parameter of that annotation, and a result of it."""

    def job(value: object) -> object:
        return value

    job.__annotations__ = {"value": annotation, "return": annotation}
    return ArgumentPlan(job, kind="job")


@given(typed_values())
def test_bound_arguments_survive_the_wire(case: tuple[Any, Any]) -> None:
    """bind(decode(encode(bind(x)))) == bind(x) == x, of the same type, for every annotation and value of it."""
    annotation, value = case
    plan = plan_of(annotation)
    args, kwargs = plan.bind((value,), {})
    again, _ = plan.bind(*plan.decode(plan.encode(args, kwargs)))
    assert [value] == args == again
    assert type(value) is type(again[0])


@given(typed_values())
def test_results_survive_the_wire(case: tuple[Any, Any]) -> None:
    """What a job returns is what result() gives, when its annotation tells the truth."""
    annotation, value = case
    plan = plan_of(annotation)
    restored = plan.decode_result(plan.encode_result(value))
    assert value == restored
    assert type(value) is type(restored)
    assert value == decode_result(encode_result(value), annotation)


@given(st.sampled_from(LEAVES + UNIONS), st.text() | ints | st.floats() | st.sampled_from(["1", "true", "P1D", "[1]"]))
def test_whatever_is_accepted_is_stable(leaf: tuple[Any, Any], value: object) -> None:
    """Converting once is enough: what bind made of anything, the worker's bind leaves as it is."""
    plan = plan_of(leaf[0])
    try:
        args, kwargs = plan.bind((value,), {})
        stored = plan.encode(args, kwargs)
    except ArgumentError:
        return
    again, _ = plan.bind(*plan.decode(stored))
    assert repr(args) == repr(again)


@given(moments)
def test_wall_clock_of_an_aware_datetime_survives(moment: datetime) -> None:
    """Not the instant alone: the offset, and with it the day, is that of the caller."""
    plan = plan_of(datetime)
    (again,), _ = plan.bind(*plan.decode(plan.encode([moment], {})))
    assert moment.isoformat() == again.isoformat()


def test_nan_and_infinity_survive() -> None:
    """No number is lost."""
    plan = plan_of(list[float])
    (again,), _ = plan.bind(*plan.decode(plan.encode(*plan.bind(([math.nan, math.inf, -math.inf],), {}))))
    assert "[nan, inf, -inf]" == repr(again)
