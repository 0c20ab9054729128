"""Queue policies by name: the rank function, however the plugin gives it."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from rota.model.errors import PluginLoadError
from rota.model.records import InstanceRecord
from rota.plugins import PluginHost, PolicySpec, hookimpl
from rota.plugins.policies import Rank

RECORD = InstanceRecord(id="0" * 32, kind="k", arguments=b"", rank=0, created_ms=7)


@pytest.fixture
def host() -> Iterator[PluginHost]:
    """Policies whose code is in a module made for the test."""

    def direct(record: InstanceRecord, weight: int = 2) -> int:
        return record.created_ms * weight

    def made() -> Rank:
        return lambda record: -record.created_ms

    class Plugin:
        @hookimpl
        def rota_queue_policies(self) -> list[PolicySpec]:
            return [PolicySpec(name, f"trial_policies:{name}", "") for name in ("direct", "made", "number", "missing")]

    module = ModuleType("trial_policies")
    vars(module).update(direct=direct, made=made, number=3)
    sys.modules["trial_policies"] = module
    yield PluginHost.for_tests([Plugin()])
    del sys.modules["trial_policies"]


@pytest.mark.parametrize(("name", "expected"), [("direct", 14), ("made", -7)])
def test_a_factory_is_the_rank_function_or_makes_it(host: PluginHost, name: str, expected: int) -> None:
    """A function with a parameter ranks; one without makes the function that ranks."""
    assert expected == host.policies.rank(name)(RECORD)


@pytest.mark.parametrize(
    ("name", "cause"), [("number", "an object of type int, not a function"), ("missing", "has no attribute 'missing'")]
)
def test_a_factory_that_is_none_is_a_load_error(host: PluginHost, name: str, cause: str) -> None:
    """The message names what was asked for and what stands there instead."""
    with pytest.raises(PluginLoadError, match=f'policy "{name}" can\'t be used') as caught:
        host.policies.rank(name)
    assert cause in str(caught.value)
