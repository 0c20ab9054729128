"""Keys made of arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from rota.engine.arguments import ArgumentPlan, OpenPlan
from rota.model.errors import ArgumentError, ConfigError

ID = UUID("12345678-1234-5678-1234-567812345678")


class Color(Enum):
    """Values of several sorts."""

    RED = "red"


@dataclass
class Order:
    """A class with fields."""

    id: int
    tags: dict[str, list[int]]


def invoice(tenant: str, order: Any = 7, *rest: int, day: date = date(2024, 1, 2)) -> None:
    """A job with defaults."""


PLAN = ArgumentPlan(invoice, kind="invoice")
ORDER = Order(5, {"x": [1, 2]})


@pytest.mark.parametrize(
    ("template", "args", "kwargs", "key"),
    [
        ("{tenant}", ("acme",), {}, "acme"),
        ("invoice:{tenant}/{order}", ("acme",), {}, "invoice:acme/7"),
        ("{day}", ("acme",), {}, "2024-01-02"),
        ("{tenant}", (), {"tenant": "acme"}, "acme"),
        ("{order.id}", ("acme", ORDER), {}, "5"),
        ("{order.id}", ("acme", {"id": 5}), {}, "5"),
        ("{order[id]}-{order.tags[x][1]}", ("acme", ORDER), {}, "5-2"),
        ("{order}", ("acme", {"b": 1, "a": [ID]}), {}, f'{{"a":["{ID}"],"b":1}}'),
        ("{order}", ("acme", {3, 1, 2}), {}, "[1,2,3]"),
        ("{order}", ("acme", Color.RED), {}, "red"),
        ("{order}", ("acme", None), {}, "None"),
        ("{order}", ("acme", True), {}, "True"),
        ("{rest}", ("acme", 1, 2, 3), {}, "[2,3]"),
        ("{{{tenant}}}", ("acme",), {}, "{acme}"),
        ("one for all", ("acme",), {}, "one for all"),
    ],
)
def test_key_is_made_of_the_arguments(
    template: str, args: tuple[object, ...], kwargs: dict[str, Any], key: str
) -> None:
    """Names, fields and indexes, defaults included; the same whether values are objects or plain data by then."""
    assert key == PLAN.render(PLAN.check_template(template, "unique_key"), args, kwargs)
    assert key == PLAN.render(template, args, kwargs)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{customer}", r"unique_key '\{customer\}' names 'customer', .* they are \(tenant: str, order"),
        ("{0}", "names '0', which is none of its parameters"),
        ("{}", "is no argument name such as {tenant} or {order.id}"),
        ("{tenant", "is no template"),
        ("{tenant!r}", "takes no format or conversion"),
        ("{tenant:>5}", "takes no format or conversion"),
        ("{tenant.__class__}", "reaches for a private name"),
        ("{order[_x]}", "reaches for a private name"),
        ("{tenant-1}", "is no argument name"),
    ],
)
def test_template_that_can_not_be_is_a_config_error(template: str, message: str) -> None:
    """A template is checked when it is declared, with the parameters there are."""
    with pytest.raises(ConfigError, match=message):
        PLAN.check_template(template, "unique_key")


@pytest.mark.parametrize(
    ("template", "args", "message"),
    [
        ("{order.nope}", ("a", ORDER), "these arguments have no order.nope"),
        ("{order.tags.y}", ("a", ORDER), "these arguments have no order.tags.y"),
        ("{order[9]}", ("a", [1]), r"these arguments have no order\.9"),
        ("{order}", ("a", print), "order makes no key: .* is not data"),
        ("{tenant}", (), "these arguments have no tenant"),
    ],
)
def test_key_without_a_value_is_an_argument_error(template: str, args: tuple[object, ...], message: str) -> None:
    """A key is never made of half its values."""
    with pytest.raises(ArgumentError, match=message):
        PLAN.render(PLAN.check_template(template, "unique_key"), args, {})


def test_extra_names_may_be_referred_to() -> None:
    """A function with **names takes any name, so a template may."""

    def job(**names: int) -> None:
        """Takes any name."""

    plan = ArgumentPlan(job, kind="job")
    template = plan.check_template("{tenant}", "unique_key")
    assert "7" == plan.render(template, (), {"tenant": 7})


def published(function: Callable[..., object]) -> OpenPlan:
    """The plan of a kind whose function is elsewhere."""
    return OpenPlan("invoice", ArgumentPlan(function, kind="invoice").parameters)


def test_open_plan_makes_keys_of_published_names_and_of_positions() -> None:
    """A remote call makes the same key as one made beside the function."""
    assert "acme/5" == published(invoice).render("{tenant}/{order}", ("acme", 5), {})
    plan = OpenPlan("invoice")
    assert "acme" == plan.render(plan.check_template("{0}", "unique_key"), ("acme",), {})
    with pytest.raises(ArgumentError, match="these arguments have no tenant"):
        plan.render("{tenant}", ("acme",), {})
