"""Queue policies by name and options: the rank function, however the plugin gives it."""

import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType

import pytest

from rota.model.errors import ConfigError, PluginLoadError
from rota.model.records import InstanceRecord
from rota.plugins import PluginHost, PolicySpec, hookimpl
from rota.plugins.policies import Rank

RECORD = InstanceRecord(id="0" * 32, kind="k", arguments=b"", rank=0, created_ms=7)


def direct(record: InstanceRecord, weight: int = 2) -> int:
    """A rank function; what else it takes is not for the user."""
    return record.created_ms * weight


def made() -> Rank:
    """A maker without options."""
    return lambda record: -record.created_ms


def scaled(*, by: int = 1, after: timedelta = timedelta(0), label="none") -> Rank:  # type: ignore[no-untyped-def]
    """A maker with options, of which one has no annotation."""
    if by == 0:
        raise ValueError("by must not be 0")
    return lambda record: record.created_ms * by + int(after.total_seconds()) + (1000 if label == "60" else 0)


def bad() -> int:
    """Makes no function."""
    return 3


def broken(*, option: str = "") -> Rank:
    """A maker with a fault."""
    raise ZeroDivisionError


FACTORIES: dict[str, object] = {
    "direct": direct, "made": made, "scaled": scaled, "bad": bad, "broken": broken, "number": 3,
    "needs": lambda *, by: by, "several": lambda one, two: 0, "any": lambda *records: 0, "open": lambda **options: 0,
}  # fmt: skip


@pytest.fixture
def host() -> Iterator[PluginHost]:
    """Policies whose code is in a module made for the test."""

    class Plugin:
        @hookimpl
        def rota_queue_policies(self) -> list[PolicySpec]:
            return [PolicySpec(name, f"trial_policies:{name}", "") for name in (*FACTORIES, "missing")]

    module = ModuleType("trial_policies")
    vars(module).update(FACTORIES)
    sys.modules["trial_policies"] = module
    yield PluginHost.for_tests([Plugin()])
    del sys.modules["trial_policies"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("direct", 14),
        ("made", -7),
        ("made?", -7),
        ("scaled", 7),
        ("scaled?by=3", 21),
        ("scaled?after=1m&by=-1", 53),
        ("scaled?label=60", 1007),  # as text, without an annotation
        ("scaled?label=%36%30", 1007),
    ],
)
def test_a_factory_is_the_rank_function_or_makes_it_of_options(host: PluginHost, policy: str, expected: int) -> None:
    """One with a required parameter ranks; one with none but optional keywords makes the function that ranks."""
    assert expected == host.policies.rank(policy)(RECORD)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("scaled?bye=3", "unexpected argument 'bye'"),
        ("scaled?by=three", '"by" of "scaled": expected int, got \'three\''),
        ("scaled?by=1&after=soon", '"after" of "scaled": expected timedelta'),
        ("scaled?by=0", "by must not be 0"),
    ],
)
def test_option_that_does_not_fit_is_refused_with_what_the_policy_takes(
    host: PluginHost, policy: str, said: str
) -> None:
    """A name that it has not, a value of another type, one that the maker itself refuses."""
    with pytest.raises(ConfigError) as refused:
        host.policies.rank(policy)
    assert said in str(refused.value)
    assert "takes:   by (int), after (timedelta), label (text)" in str(refused.value)
    assert "scaled?" in str(refused.value)


@pytest.mark.parametrize("policy", ["direct?weight=3", "fifo?x=1", "deadline?x=1", "made?x=1"])
def test_policy_without_options_takes_none(host: PluginHost, policy: str) -> None:
    """Also where the rank function has a parameter of that name: it is not the user's."""
    with pytest.raises(ConfigError, match=r"takes:   no options"):
        host.policies.rank(policy)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("number", "an object of type int, not a function"),
        ("missing", "has no attribute 'missing'"),
        ("bad", "an object of type int, not a rank function"),
        ("broken", "ZeroDivisionError"),
        ("needs", "its factory takes (*, by)"),
        ("several", "its factory takes (one, two)"),
        ("any", "its factory takes (*records)"),
        ("open", "its factory takes (**options)"),
    ],
)
def test_a_factory_that_is_neither_is_a_load_error(host: PluginHost, name: str, cause: str) -> None:
    """The message names what was asked for and what stands there instead."""
    with pytest.raises(PluginLoadError, match=f'policy "{name}" can\'t be used') as caught:
        host.policies.rank(name)
    assert cause in str(caught.value)


def _ranked(rank: Callable[[InstanceRecord], int], priority: int, created_ms: int) -> int:
    return rank(InstanceRecord(id="", kind="k", arguments=b"", rank=0, created_ms=created_ms, priority=priority))


@pytest.mark.parametrize("ageing", ["60", "60s", "1m", "PT1M", "60.0"])
def test_ageing_of_priority_is_a_duration_as_elsewhere(ageing: str) -> None:
    """So long a wait is worth one step of priority; without it none is worth anything."""
    policies = PluginHost.for_tests().policies
    aged, plain = policies.rank(f"priority?ageing={ageing}"), policies.rank("priority")
    assert _ranked(aged, 6, 0) == _ranked(aged, 5, 60_000)
    assert _ranked(plain, 6, 0) > _ranked(plain, 5, 10**12)


@pytest.mark.parametrize("ageing", ["0", "-5", "0.0001", "soon", "", "1 month"])
def test_ageing_that_is_no_time_is_refused(ageing: str) -> None:
    """A millisecond is the least."""
    with pytest.raises(ConfigError, match=r"ageing[^\n]*\n  takes:   ageing"):
        PluginHost.for_tests().policies.rank(f"priority?ageing={ageing}")
