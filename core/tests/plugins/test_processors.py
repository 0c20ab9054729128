"""The order of processors: what they declare holds, where they are silent nothing moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rota.model.errors import ConfigError, PluginConflict
from rota.plugins import PluginHost, ProcessorSpec, hookimpl
from rota.plugins.processors import ordered
from rota.plugins.record import PluginRecord
from rota.plugins.table import Offer

RECORD = PluginRecord("trial", "test", "0", "trial", "loaded")


def names(*specs: ProcessorSpec) -> str:
    """The names of processors in the order of their calls."""
    return "".join(spec.name for spec in ordered([Offer(spec.name, spec, RECORD) for spec in specs]))


def processor(name: str, before: str = "", after: str = "") -> ProcessorSpec:
    """A processor; the others are single letters."""
    return ProcessorSpec(name, on_complete=print, before=tuple(before), after=tuple(after))


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ([processor("c"), processor("a"), processor("b")], "cab"),
        ([processor("a", after="c"), processor("b"), processor("c")], "bca"),
        ([processor("a"), processor("b"), processor("c", before="a")], "bca"),
        ([processor("a", after="b"), processor("b", after="c"), processor("c")], "cba"),
        ([processor("a", before="z", after="y"), processor("b")], "ab"),
    ],
)
def test_before_and_after_hold_and_the_rest_keeps_its_place(specs: list[ProcessorSpec], expected: str) -> None:
    """Names of processors that nobody installed are ignored."""
    assert expected == names(*specs)


@given(st.permutations("abcdefgh"), st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12))
def test_any_order_that_can_hold_holds(order: list[str], pairs: set[tuple[int, int]]) -> None:
    """For relations without a cycle, each stands in the answer, and everyone is there once."""
    relations = [("abcdefgh"[low], "abcdefgh"[high]) for low, high in pairs if low < high]
    specs = [processor(name, after="".join(low for low, high in relations if high == name)) for name in order]
    found = names(*specs)
    assert sorted(order) == sorted(found)
    assert all(found.index(low) < found.index(high) for low, high in relations)


@pytest.mark.parametrize(
    ("specs", "cycle"),
    [
        ([processor("a", after="a")], "a -> a"),
        ([processor("a", after="b"), processor("b", after="a")], "a -> b -> a"),
        ([processor("x"), processor("a", before="b"), processor("b", before="a")], "a -> b -> a"),
    ],
)
def test_a_cycle_is_a_conflict_that_names_it(specs: list[ProcessorSpec], cycle: str) -> None:
    """There is no order then, so nothing is guessed."""
    with pytest.raises(PluginConflict) as caught:
        names(*specs)
    assert {cycle, "b -> a -> b"} & {str(caught.value).partition("cycle: ")[2].partition("\n")[0]}
    assert ("test",) == caught.value.distributions


def test_two_processors_of_one_name_are_a_conflict() -> None:
    """A name in `before` and `after` has to mean one processor."""

    def plugin(name: str) -> object:
        return type(name, (), {"rota_processors": staticmethod(hookimpl(lambda: [processor("a")]))})()

    with pytest.raises(PluginConflict, match='processor "a" is provided by two plugins'):
        _ = PluginHost.for_tests([plugin("one"), plugin("two")]).processors


@pytest.mark.parametrize(("kind", "expected"), [("billing.pay", True), ("Billing.pay", False), ("mail", False)])
def test_patterns_choose_the_kinds(kind: str, expected: bool) -> None:
    """Shell patterns, on every system by the same rule."""
    assert expected is ProcessorSpec("a", on_complete=print, kinds=("billing.*", "x")).matches(kind)


def test_a_processor_without_a_function_is_refused() -> None:
    """It would never be called."""
    with pytest.raises(ConfigError, match="needs a function"):
        ProcessorSpec("a")


def test_asynchronous_processor_is_refused_when_it_is_described() -> None:
    """As one attached to a job: nobody would await it."""

    async def later(*_: object) -> None: ...

    with pytest.raises(ConfigError, match=r"ProcessorSpec\('x', on_complete\) takes a plain function.*async def"):
        ProcessorSpec("x", on_complete=later)
