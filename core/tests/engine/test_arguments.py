"""A job's arguments: which calls fit, what they become, how they are named."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import pytest

from rota.engine.arguments import ArgumentPlan, OpenPlan
from rota.model.errors import ArgumentError, ConfigError, CorruptRecord
from rota.model.records import ParameterRecord

if TYPE_CHECKING:
    from decimal import Decimal as Hidden

ID = UUID("12345678-1234-5678-1234-567812345678")


class Context:
    """Stands for what the worker injects."""


SHOP = SimpleNamespace(Context=Context)


@dataclass
class Order:
    """A class with fields."""

    id: int


def add(a: int, b: int = 2) -> int:
    """One parameter with a default."""
    return a + b


def full(a: int, /, b: int, *rest: float, c: bool, d: UUID | None = None, **extra: Decimal) -> None:
    """One parameter of each sort."""


def plan_of(function: Callable[..., object]) -> ArgumentPlan:
    """The plan of a function, as a job of its name."""
    return ArgumentPlan(function, context_type=Context, kind=getattr(function, "__name__", "job"))


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "bound"),
    [
        (add, (1,), {}, ([1], {})),
        (add, ("1", "2"), {}, ([1, 2], {})),
        (add, (), {"b": "2", "a": "1"}, ([], {"b": 2, "a": 1})),
        (add, (1,), {"b": "3"}, ([1], {"b": 3})),
        (full, ("1", "2", "3", "4"), {"c": "yes", "x": "1.5"}, ([1, 2, 3.0, 4.0], {"c": True, "x": Decimal("1.5")})),
        (full, ("1",), {"b": "2", "c": 0, "a": 7, "d": str(ID)}, ([1], {"b": 2, "c": False, "a": Decimal(7), "d": ID})),
        (lambda x, y=None: x, ("1", ID), {}, (["1", ID], {})),
        (lambda: None, (), {}, ([], {})),
        (functools.partial(add, b=5), ("1",), {}, ([1], {})),
        (functools.partial(add, 5), ("1",), {}, ([1], {})),
    ],
)
def test_call_that_fits_keeps_each_argument_in_its_place(
    function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object], bound: object
) -> None:
    """Values are converted by annotation; position, name and what was left out stay as the caller wrote it."""
    assert bound == plan_of(function).bind(args, kwargs)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "message"),
    [
        (add, (), {}, "add() is missing argument 'a'; parameters are (a: int, b: int = 2)"),
        (add, (1, 2, 3), {}, "add() takes 2 positional arguments, got 3; parameters are (a: int, b: int = 2)"),
        (add, (1,), {"c": 3}, "add() got unexpected argument 'c'; parameters are (a: int, b: int = 2)"),
        (add, (1,), {"a": 1}, "add() got argument 'a' twice, by position and by name; parameters are "
         "(a: int, b: int = 2)"),
        (full, (), {"c": 1}, "full() is missing arguments 'a', 'b'; parameters are "
         "(a: int, b: int, *rest: float, c: bool, d: UUID | None = None, **extra: Decimal)"),
        (lambda x=1, /: x, (), {"x": 1}, "<lambda>() got unexpected argument 'x'; parameters are (x=1)"),
        (add, ("x",), {}, "argument \"a\" of \"add\": expected int, got 'x' (str)"),
        (add, (1,), {"b": 2.5}, 'argument "b" of "add": expected int, got 2.5 (float)'),
        (full, (1, 2, "x"), {"c": 1}, "argument \"rest\" of \"full\": expected float, got 'x' (str)"),
        (full, (1, 2), {"c": 1, "x": "y"}, "argument \"x\" of \"full\": expected Decimal, got 'y' (str)"),
    ],
)  # fmt: skip
def test_call_that_does_not_fit_says_what_would(
    function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object], message: str
) -> None:
    """Too many, missing, doubled, unknown and wrong arguments are errors that name job, argument and fix."""
    with pytest.raises(ArgumentError) as caught:
        plan_of(function).bind(args, kwargs)
    assert message == caught.value.message


def test_bind_leaves_the_callers_values_alone() -> None:
    """Arguments of the caller are not changed by converting them."""

    def job(items: list[int], by: dict[str, int]) -> None:
        """Takes containers."""

    items, by = ["1"], {"a": "2"}
    plan_of(job).bind((items,), {"by": by})
    assert (["1"], {"a": "2"}) == (items, by)


@pytest.mark.parametrize("annotation", [Context, "Context", "SHOP.Context", Annotated[Context, "note"], "'Context'"])
def test_context_first_is_not_the_callers(annotation: object) -> None:
    """The first parameter annotated with the context is the worker's, written plainly or as text."""

    def job(ctx: object, a: int) -> None:
        """A job with a context."""

    job.__annotations__["ctx"] = annotation
    plan = plan_of(job)
    assert plan.takes_context
    assert ([1], {}) == plan.bind(("1",), {})
    assert ("a",) == tuple(parameter.name for parameter in plan.parameters)


@pytest.mark.parametrize(("text", "taken"), [("Ghost", True), ("rota.Ghost", True), ("other.Ghost", False)])
def test_context_known_to_type_checkers_only_is_recognized_by_name(text: str, taken: bool) -> None:
    """An import under TYPE_CHECKING leaves the text alone, which is enough for `Context` and `rota.Context`."""

    def job(ctx: object) -> None:
        """A job with an annotation that names nothing here."""

    class Ghost:
        """No name of this module."""

    job.__annotations__["ctx"] = text
    assert taken is ArgumentPlan(job, context_type=Ghost, kind="job").takes_context


@pytest.mark.parametrize("annotation", [Context, "Context", Context | None, Annotated[Context, 1]])
def test_context_elsewhere_is_a_config_error(annotation: object) -> None:
    """A context that would never be filled is told at registration, with the fix."""

    def job(a: int, ctx: object = None) -> None:
        """A job with its context in the wrong place."""

    job.__annotations__["ctx"] = annotation
    with pytest.raises(ConfigError, match=r'parameter "ctx" of "job" .* def job\(ctx: Context, \.\.\.\)'):
        plan_of(job)


def test_annotation_for_type_checkers_only_is_told_at_the_first_call() -> None:
    """Registration does not need the name; converting does, and the message says which and what to do."""

    def job(a: int, b: "Hidden") -> None:
        """A job whose annotation can't be resolved."""

    plan = plan_of(job)
    with pytest.raises(ConfigError, match=r"annotation 'Hidden' of argument \"b\" of \"job\".*TYPE_CHECKING"):
        plan.bind((1, 2), {})


def test_class_defined_after_the_job_is_resolved() -> None:
    """A name that the module defines after registration counts."""

    def job(later: "Later") -> None:  # type: ignore[name-defined]  # noqa: F821
        """A job registered before its argument's class exists."""

    plan = plan_of(job)
    job.__globals__["Later"] = Order
    try:
        assert ([Order(1)], {}) == plan.bind(({"id": "1"},), {})
    finally:
        del job.__globals__["Later"]


def test_result_annotation_for_type_checkers_only_gives_the_plain_result() -> None:
    """A job is not lost for the annotation of its result."""

    def job() -> "Hidden":
        raise NotImplementedError

    plan = plan_of(job)
    assert (Any, "Hidden") == (plan.returns, plan.returns_text)
    assert "1.5" == plan.decode_result(plan.encode_result(Decimal("1.5")))


class Service:
    """Things that can be called."""

    def method(self, a: int) -> Order:
        """Bound to the instance."""
        return Order(a)

    def __call__(self, ctx: Context, b: "Order") -> None:
        """Callable itself."""

    @classmethod
    def make(cls, c: float) -> None:
        """Bound to the class."""


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [(Service().method, "1", 1), (Service(), {"id": "1"}, Order(1)), (Service.make, "1", 1.0), (Order, "1", 1)],
)
def test_anything_callable_has_a_plan(function: Callable[..., object], value: object, expected: object) -> None:
    """Bound methods, instances with __call__ and classes are read like functions."""
    assert ([expected], {}) == plan_of(function).bind((value,), {})


def test_decorated_function_is_read_through_its_wrapper() -> None:
    """functools.wraps keeps the signature and the module whose names the annotations mean."""

    @functools.wraps(add)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return add(*args, **kwargs)

    assert ([1], {}) == plan_of(wrapper).bind(("1",), {})


def test_function_without_signature_is_a_config_error() -> None:
    """A builtin that does not tell its parameters can't be a job as it stands."""
    with pytest.raises(ConfigError, match='"job" has no signature'):
        plan_of(type("T", (), {"__signature__": 5, "__call__": len})())


def test_parameters_are_published_without_the_context() -> None:
    """Names, annotations as written, what is required, defaults as text, and the form."""
    form = "POSITIONAL_OR_KEYWORD"
    assert (
        ParameterRecord("a", "int", True, "", form),
        ParameterRecord("b", "int", False, "2", form),
    ) == plan_of(add).parameters
    assert "int" == plan_of(add).returns_text
    assert ["POSITIONAL_ONLY", form, "VAR_POSITIONAL", "KEYWORD_ONLY", "KEYWORD_ONLY", "VAR_KEYWORD"] == [
        parameter.form for parameter in plan_of(full).parameters
    ]


def test_stored_arguments_are_read_back_for_bind() -> None:
    """The worker binds what was stored and has what the caller bound."""
    plan = plan_of(full)
    bound = plan.bind(("1", 2, 3), {"c": True, "d": ID, "x": "1.50"})
    assert bound == plan.bind(*plan.decode(plan.encode(*bound)))
    with pytest.raises(CorruptRecord):
        plan.decode(b"\xc1")


def test_argument_that_is_no_data_is_named() -> None:
    """The error names the argument, the spot in it and the type, by position as well as by name."""

    def job(a: object, *rest: object, **extra: object) -> None:
        """Takes anything."""

    plan = plan_of(job)
    for args, kwargs, where in (
        (([print],), {}, 'argument "a" of "job": item [0]: '),
        ((1, print), {}, 'argument "1" of "job": '),
        ((1,), {"x": {"y": print}}, 'argument "x" of "job": field y: '),
        ((2**64,), {}, 'argument "a" of "job": 18446744073709551616 needs more'),
    ):
        with pytest.raises(ArgumentError) as caught:
            plan.encode(args, kwargs)
        assert caught.value.message.startswith(where)
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(ArgumentError, match='the arguments of "job": a list that contains itself'):
        plan.encode((cycle,), {})


def test_result_is_restored_by_the_plan() -> None:
    """What the function returns comes back by its annotation, or plain where that lies."""
    plan = plan_of(Service().method)
    assert Order(1) == plan.decode_result(plan.encode_result(Order(1)))
    assert "other" == plan.decode_result(plan.encode_result("other"))


def test_arguments_are_named_as_given() -> None:
    """Names for people: no defaults, the rest under its own name, extra ones beside the others."""
    assert {"a": 1} == plan_of(add).named([1], {})
    assert {"a": 1, "b": 2, "rest": [3, 4], "c": True, "x": 5} == plan_of(full).named([1, 2, 3, 4], {"c": True, "x": 5})


def test_open_plan_takes_anything_as_it_is() -> None:
    """Without the function nothing is checked or converted, and positions are the names."""
    plan = OpenPlan("add")
    assert (["1", 2], {"c": 3}) == plan.bind(("1", 2), {"c": 3})
    assert (["1"], {"c": 3}) == plan.decode(plan.encode(("1",), {"c": 3}))
    assert {"0": "1", "1": 2, "c": 3} == plan.named(("1", 2), {"c": 3})
    assert [1] == plan.decode_result(plan.encode_result((1,)))
    with pytest.raises(ArgumentError, match=r'the arguments of "add": item .* is not data'):
        plan.encode((print,), {})


def test_open_plan_with_published_parameters_names_positions() -> None:
    """What a worker published of the kind gives remote arguments their names."""
    plan = OpenPlan("full", plan_of(full).parameters)
    assert {"a": 1, "b": 2, "2": 3, "x": 4} == plan.named((1, 2, 3), {"x": 4})
