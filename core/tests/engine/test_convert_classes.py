"""Mappings and JSON text as dataclass, TypedDict, NamedTuple, Struct and pydantic model."""

from collections import namedtuple
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Generic, NamedTuple, NotRequired, Protocol, TypedDict, TypeVar
from uuid import UUID

import msgspec
import pydantic
import pytest

from rota.engine.codec import decode, encode
from rota.engine.convert import convert, converter_of
from rota.model.errors import ArgumentError, ConfigError

T = TypeVar("T")
ID = UUID("12345678-1234-5678-1234-567812345678")


@dataclass(frozen=True)
class Line:
    """A class with fields."""

    sku: str
    qty: int = 1


@dataclass
class Order:
    """A class with fields."""

    id: UUID
    lines: list[Line]
    paid: bool = False
    parent: "Order | None" = None
    total: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.total = sum(line.qty for line in self.lines)


@dataclass
class Box(Generic[T]):
    """A generic class."""

    content: T


@dataclass
class Positive:
    """A class that refuses some values."""

    number: int

    def __post_init__(self) -> None:
        if self.number <= 0:
            raise ValueError("number must be positive")


class Filter(TypedDict):
    """A mapping with known keys."""

    limit: int
    since: NotRequired[datetime]


class Point(NamedTuple):
    """A tuple with names."""

    x: int
    y: float = 0.5


Pair = namedtuple("Pair", ["left", "right"])


class Event(msgspec.Struct, tag=True, rename="camel"):
    """A Struct."""

    event_id: int
    at: datetime | None = None
    file: Path | None = None
    line: Line | None = None


class Model(pydantic.BaseModel):
    """A pydantic model."""

    id: UUID
    price: Decimal
    unit_count: int = pydantic.Field(default=1, alias="unitCount")
    data: bytes = b""
    where: pydantic.AnyUrl | None = None

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> Decimal:
        """Computed, so not stored."""
        return self.price * self.unit_count


@dataclass
class Shipment:
    """All the others inside one."""

    model: Model
    event: Event
    point: Point
    filter: Filter


ORDER = Order(ID, [Line("a", 2), Line("b")], True)


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ('{"sku": "a", "qty": "2"}', Line, Line("a", 2)),
        ({"sku": "a"}, Line | None, Line("a")),
        ({"id": str(ID), "lines": [{"sku": "a", "qty": "2"}, '{"sku": "b"}'], "paid": "yes"}, Order, ORDER),
        ({"id": str(ID), "lines": "[]", "parent": {"id": ID, "lines": []}}, Order, Order(ID, [], parent=Order(ID, []))),
        ('[{"sku": "a"}]', list[Line], [Line("a")]),
        ({"content": "7"}, Box[int], Box(7)),
        ({"content": {"content": ["7"]}}, Box[Box[list[int]]], Box(Box([7]))),
        ({"content": "7"}, Box, Box("7")),
        (
            '{"limit": "5", "since": "2024-01-01T00:00Z"}',
            Filter,
            {"limit": 5, "since": datetime(2024, 1, 1, tzinfo=UTC)},
        ),
        ({"limit": 5}, Filter, {"limit": 5}),
        (["1", "2"], Point, Point(1, 2.0)),
        ({"x": "1"}, Point, Point(1)),
        ("[1]", Point, Point(1)),
        ([1, "x"], Pair, Pair(1, "x")),
        ({"type": "Event", "eventId": "7", "file": "a/b"}, Event, Event(7, file=Path("a/b"))),
        ('{"type": "Event", "eventId": 7, "line": {"sku": "a"}}', Event, Event(7, line=Line("a"))),
        ({"id": str(ID), "price": "1.5", "unitCount": "2"}, Model, Model(id=ID, price=Decimal("1.5"), unitCount=2)),
        ({"a": {"x": 1}}, dict[str, Point | Line], {"a": Point(1)}),
        ({"a": {"sku": "x"}}, dict[str, Point | Line], {"a": Line("x")}),
    ],
)
def test_mapping_or_json_becomes_the_class(value: object, annotation: object, expected: object) -> None:
    """Fields are converted by the same rules at every depth, forward references and type arguments included."""
    assert expected == convert(value, annotation, where="x")


@pytest.mark.parametrize("value", [ORDER, Line("a"), Point(1), Event(1), Model(id=ID, price=Decimal(1)), Positive(1)])
def test_instance_of_the_class_passes_by(value: object) -> None:
    """An instance of the annotated class is not copied."""
    assert value is convert(value, type(value), where="x")


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        ({"sku": "a", "quantity": 1}, Line, "x: expected Line; it has no field 'quantity'; its fields are sku, qty"),
        ({}, Line, "x: expected Line; its field 'sku' is missing"),
        ("[]", Line, "x: expected Line, got '[]' (str)"),
        ({"id": ID, "lines": [{"sku": "a", "qty": "x"}]}, Order, "x: field lines[0].qty: expected int, got 'x' (str)"),
        ({"number": 0}, Positive, "x: expected Positive; number must be positive"),
        ({"limt": 1}, Filter, "x: expected Filter; it has no field 'limt'; its fields are limit, since"),
        ([1, 2, 3], Point, "x: expected Point; it has 2 fields, got 3"),
        (5, Point, "x: expected Point, got 5 (int)"),
        (5, Filter, "x: expected Filter, got 5 (int)"),
        ({"type": "Event", "eventId": "x"}, Event, "x: field eventId: expected Event; expected int, got str"),
        ('{"type": "Event", "eventId": 1, "line": {"sku": 1}}', Event,
         "x: field line.sku: expected Event; expected str, got int"),
    ],
)  # fmt: skip
def test_value_that_does_not_fit_is_refused_with_the_way_to_it(value: object, annotation: object, message: str) -> None:
    """A wrong, missing or unknown field is named with its path."""
    with pytest.raises(ArgumentError) as caught:
        convert(value, annotation, where="x")
    assert message == caught.value.message


def test_wrong_model_tells_field_and_reason() -> None:
    """Pydantic's own words, with the path, and how many more there are."""
    with pytest.raises(ArgumentError, match=r"x: field price: expected Model; .*decimal.*\(and 1 more\)"):
        convert({"price": "x", "id": str(ID), "unitCount": "many"}, Model, where="x")


def test_classes_inside_each_other_survive_the_wire() -> None:
    """A dataclass with a model, a Struct, a NamedTuple and a TypedDict comes back equal."""
    model = Model(id=ID, price=Decimal("1.10"), unitCount=3, data=b"\xff", where=pydantic.AnyUrl("http://h/p"))
    value = Shipment(model, Event(1, file=Path("a"), line=Line("b")), Point(1, 2.5), {"limit": 1})
    assert value == converter_of(Shipment)(decode(encode(value)), True)


def test_computed_field_that_changed_survives_the_wire() -> None:
    """A field outside __init__ is stored too and set again."""
    order = Order(ID, [Line("a")])
    order.total = 99
    assert order == converter_of(Order)(decode(encode(order)), True)


def test_strict_model_is_restored_from_its_stored_form() -> None:
    """A model that takes no text for a UUID is stored as text all the same, and comes back."""

    class Strict(pydantic.BaseModel, strict=True, extra="forbid"):
        id: UUID
        tags: frozenset[str] = frozenset()

    value = Strict(id=ID, tags=frozenset({"a"}))
    assert value == converter_of(Strict)(decode(encode(value)), True)


def test_secret_of_a_model_is_refused_not_masked() -> None:
    """What would be stored as asterisks is no data."""

    class Login(pydantic.BaseModel):
        password: pydantic.SecretStr

    with pytest.raises(TypeError, match=r"SecretStr\) is not data"):
        encode(Login(password=pydantic.SecretStr("x")))


def test_dataclass_members_with_the_same_fields_are_refused() -> None:
    """Two classes that are stored alike can't share a union."""

    @dataclass
    class Crate:
        content: int

    with pytest.raises(ArgumentError, match="would reach the job as"):
        convert(Crate(1), Box[int] | Crate, where="x")


def test_unresolvable_field_annotation_is_a_config_error() -> None:
    """The message names the class and what to do."""

    @dataclass
    class Broken:
        field: "Nowhere"  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(ConfigError, match=r"inside .*Broken can't be resolved.*Nowhere.*at run time"):
        converter_of(list[Broken])


def test_dataclass_that_needs_what_it_does_not_keep_is_a_config_error() -> None:
    """An InitVar is gone after __init__, so the worker could not make the instance again."""

    @dataclass
    class Seeded:
        number: int
        seed: InitVar[int]

    with pytest.raises(ConfigError, match="InitVar 'seed'"):
        converter_of(Seeded)


def test_class_without_fields_passes_instances_only() -> None:
    """A class that can't be restored takes its instances; a protocol says nothing at run time."""

    class Sized(Protocol):
        def size(self) -> int: ...

    class Thing:
        pass

    thing = Thing()
    assert thing is convert(thing, Thing, where="x")
    assert 5 == convert(5, Sized, where="x")
    with pytest.raises(ArgumentError, match="expected Thing, got 5"):
        convert(5, Thing, where="x")
