"""The plugin host in one process: which plugins are taken, which are turned away, and why."""

import logging
from collections.abc import Callable
from types import ModuleType

import click
import pytest

from rota.jobs.jobs import Jobs
from rota.model.errors import IncompatiblePlugin, PluginConflict, PluginError, PluginLoadError
from rota.plugins import ClientSpec, ExecutorSpec, PluginHost, PolicySpec, ProcessorSpec, StoreSpec, hookimpl
from rota.plugins.record import PluginRecord


def plugin(name: str = "trial", **hooks: object) -> object:
    """An object with these attributes; functions are marked as hooks, all else stands as it is."""
    made = {key: staticmethod(hookimpl(value)) if callable(value) else value for key, value in hooks.items()}
    return type(name, (), made)()


def gives(answer: object) -> Callable[[], object]:
    """A hook with this answer."""
    return lambda: answer


def store(*schemes: str, api: int = 1) -> StoreSpec:
    """A store with these schemes."""
    return StoreSpec(schemes, "nowhere:open_store", "a store", f"{schemes[0]}://", api=api)


def turned_away(given: object) -> PluginRecord:
    """The record of a plugin that is not loaded, and that leaves nothing behind."""
    host = PluginHost.for_tests([given], strict=False)
    assert () == host.stores.names
    return host.records[1]


def test_core_brings_executors_and_policies_like_any_plugin() -> None:
    """Without any other plugin the names that a user may write are these."""
    host = PluginHost.for_tests()
    assert ("asyncio", "process", "thread") == host.executors.names
    assert ("deadline", "fifo", "priority") == host.policies.names
    assert [("core", "rota-core", "loaded")] == [(one.name, one.distribution, one.state) for one in host.records]


def test_a_plugin_with_every_hook_fills_every_table() -> None:
    """What the hooks answer is found under its names."""
    jobs, command = Jobs("trial."), click.Command("trial")
    spec = ProcessorSpec("audit", on_complete=print)
    host = PluginHost.for_tests(
        [
            plugin(
                rota_stores=lambda: [store("a", "b")],
                rota_executors=lambda: (ExecutorSpec("cluster", "nowhere:Cluster", "far away"),),
                rota_queue_policies=lambda: [PolicySpec("oldest", "nowhere:rank", "by age")],
                rota_processors=lambda: iter([spec]),
                rota_jobs=lambda: jobs,
                rota_clients=lambda: [ClientSpec(("gate",), "nowhere:connect", "a server")],
                rota_commands=lambda: [command],
            )
        ]
    )
    assert ("a", "b") == host.stores.names
    assert "cluster" in host.executors
    assert "oldest" in host.policies
    assert ((spec,), jobs, ("gate",)) == (host.processors, host.jobs[-1], host.clients.names)
    assert command is host.commands.get("trial").item
    assert ("a", "b", "gate") == host.records[1].schemes
    assert () == host.problems()


def test_hooks_are_called_once() -> None:
    """However often tables are read, a plugin's code runs once."""
    calls: list[str] = []

    def rota_stores() -> list[StoreSpec]:
        calls.append("called")
        return [store("a")]

    host = PluginHost.for_tests([plugin(rota_stores=rota_stores)])
    for _ in range(3):
        host.stores.get("a")
        host.problems()
    assert ["called"] == calls


def rota_stores_unmarked() -> list[StoreSpec]:
    """Stand for a function whose author forgot the mark."""
    return []


async def _late() -> list[StoreSpec]:
    return []


def _wraps():  # type: ignore[no-untyped-def]
    return (yield)


def _raises() -> list[StoreSpec]:
    raise RuntimeError("the disk\nis full")


def _exits() -> list[StoreSpec]:
    raise SystemExit(3)


def _asks(config: object) -> list[StoreSpec]:
    return []


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (plugin(rota_storse=gives([])), ['no hook "rota_storse"', 'did you mean "rota_stores"?']),
        (plugin(other=gives([])), ['no hook "other"', "rota_clients, rota_commands"]),
        (plugin(), ["implements no hook", "rota_stores"]),
        (type("T", (), {"rota_stores": lambda self: []})(), ["rota_stores is not marked", "@hookimpl"]),
        (type("T", (), {"rota_store": lambda self: []})(), ['no hook "rota_store"', 'did you mean "rota_stores"?']),
        (plugin(rota_stores=_late), ["rota_stores is an async def"]),
        (type("T", (), {"rota_stores": staticmethod(hookimpl(wrapper=True)(_wraps))})(), ["rota_stores is a wrapper"]),
        (plugin(rota_stores=_asks), ["rota_stores", "config"]),
        (plugin(rota_stores=_raises), ["rota_stores raised RuntimeError: the disk is full"]),
        (plugin(rota_stores=_exits), ["rota_stores raised SystemExit: 3"]),
        (plugin(rota_stores=lambda: None), ["answered None", "a list of StoreSpec"]),
        (plugin(rota_stores=lambda: store("a")), ["object of type StoreSpec", "a list of StoreSpec"]),
        (plugin(rota_stores=lambda: ["a"]), ["a list with an object of type str", "each must be a StoreSpec"]),
        (plugin(rota_stores=lambda: [store("a"), store("b", "a")]), ['offers "a" twice']),
        (plugin(rota_stores=lambda: [StoreSpec("redis", "x:y", "", "")]), ["tuple of texts", "'redis'"]),
        (plugin(rota_jobs=lambda: [Jobs()]), ["object of type list", "one Jobs"]),
        (plugin(rota_commands=lambda: [click.Command(None)]), ["without a name"]),
        (
            type("T", (), {"a": staticmethod(hookimpl(specname="rota_stores")(gives([]))),
                           "b": staticmethod(hookimpl(specname="rota_stores")(gives([])))})(),
            ["rota_stores 2 times"],
        ),
    ],
)  # fmt: skip
def test_a_plugin_that_breaks_a_rule_fails_with_the_rule(given: object, parts: list[str]) -> None:
    """The reason names the hook and what would be right, in one line; nothing of the plugin is kept."""
    record = turned_away(given)
    assert "failed" == record.state
    assert "\n" not in record.error
    for part in parts:
        assert part in record.error
    assert "report it to the author of test, or disable it: ROTA_DISABLE_PLUGINS=" in record.fix


def test_one_faulty_hook_takes_the_whole_plugin_back() -> None:
    """A plugin is loaded or it isn't: a store that answered well is not offered beside a hook that raised."""
    host = PluginHost.for_tests([plugin(rota_stores=lambda: [store("a")], rota_commands=_raises)], strict=False)
    assert ("failed", ()) == (host.records[1].state, host.stores.names)


@pytest.mark.parametrize(("api", "fix"), [(2, "pip install --upgrade rota-core"), (0, "report it to the author")])
def test_another_interface_version_is_incompatible(api: int, fix: str) -> None:
    """A newer plugin asks for a newer core, an older one for its author; its schemes are known for the message."""
    record = turned_away(plugin(rota_stores=lambda: [store("a", "b", api=api)]))
    assert ("incompatible", ("a", "b")) == (record.state, record.schemes)
    assert f"version {api} of the store interface, this rota-core has 1" in record.error
    assert fix in record.fix


def test_imported_names_that_look_like_hooks_are_none() -> None:
    """A plugin's module may import a package `rota_...` and functions `rota_...` of others."""
    module = ModuleType("trial_plugin")
    module.rota_store_trial = ModuleType("rota_store_trial")  # type: ignore[attr-defined]
    module.rota_stores_unmarked = rota_stores_unmarked  # type: ignore[attr-defined]
    module.rota_stores = hookimpl(lambda: [store("a")])  # type: ignore[attr-defined]
    assert ("a",) == PluginHost.for_tests([module]).stores.names


def test_a_hook_for_another_version_of_core_may_be_optional() -> None:
    """`@hookimpl(optionalhook=True)` lets one plugin serve older and newer cores."""
    given = plugin(rota_stores=lambda: [store("a")])
    type(given).rota_future = staticmethod(hookimpl(optionalhook=True)(gives([])))  # type: ignore[attr-defined]
    assert ("rota_stores",) == PluginHost.for_tests([given]).records[1].hooks


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (plugin("trial", rota_stores=_raises), PluginLoadError),
        (plugin("trial", rota_stores=lambda: [store("a", api=9)]), IncompatiblePlugin),
        (plugin("core", rota_stores=lambda: [store("a")]), PluginConflict),
    ],
)
def test_a_strict_host_raises_for_a_broken_plugin(given: object, expected: type[PluginError]) -> None:
    """In a test of one's own plugin a fault is an error, not a record."""
    with pytest.raises(expected):
        PluginHost.for_tests([given])


def test_what_a_hook_raised_is_the_cause_of_the_error() -> None:
    """Asked for by name, a broken plugin shows the traceback of its own fault."""
    host = PluginHost.for_tests([plugin(rota_stores=_raises)], strict=False)
    with pytest.raises(PluginLoadError, match=r'plugin "trial" is installed but did not load') as caught:
        host.require("trial")
    assert "the disk\nis full" == str(caught.value.__cause__)


def test_a_plugin_with_a_taken_name_is_shadowed_and_asking_for_it_a_conflict() -> None:
    """Neither is chosen silently: by name and by scheme the error names both."""
    twins = [plugin("twin", rota_stores=lambda: [store("x")]), plugin("twin", rota_stores=lambda: [store("y")])]
    host = PluginHost.for_tests(twins, strict=False)
    assert ["loaded", "loaded", "shadowed"] == [record.state for record in host.records]
    for ask in (lambda: host.require("twin"), lambda: host.stores.get("x"), lambda: host.stores.get("twin")):
        with pytest.raises(PluginConflict, match="claimed by two distributions"):
            ask()


def test_core_keeps_working_beside_a_plugin_of_its_name() -> None:
    """An essential plugin can't be put in doubt by an installed one."""
    host = PluginHost.for_tests([plugin("core", rota_stores=lambda: [store("x")])], strict=False)
    assert "thread" == host.executors.get("thread").name
    assert "rota-core" == host.require("core").distribution


def test_a_name_that_two_plugins_offer_is_a_conflict_when_asked_for() -> None:
    """Other names of the same plugins work; the message names both plugins, once each has to be told apart."""
    one = plugin("one", rota_executors=lambda: [ExecutorSpec("gpu", "nowhere:A", ""), ExecutorSpec("a", "x:y", "")])
    two = plugin("two", rota_executors=lambda: [ExecutorSpec("gpu", "nowhere:B", "")])
    host = PluginHost.for_tests([one, two])
    assert "a" == host.executors.get("a").name
    with pytest.raises(PluginConflict) as caught:
        host.executors.get("gpu")
    assert "ROTA_DISABLE_PLUGINS=one   |   ROTA_DISABLE_PLUGINS=two" in str(caught.value)
    assert ['executor "gpu" is provided by two plugins'] == [problem.what for problem in host.problems()]


def test_a_name_of_cores_can_be_freed_by_disabling_the_other_alone() -> None:
    """The remedy never tells to disable core."""
    host = PluginHost.for_tests([plugin("mine", rota_executors=lambda: [ExecutorSpec("thread", "x:y", "")])])
    with pytest.raises(PluginConflict) as caught:
        host.executors.get("thread")
    assert str(caught.value).endswith("disable one: ROTA_DISABLE_PLUGINS=mine")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (
            "treads",
            ['no plugin provides executor "treads"; did you mean "thread"?', "asyncio, process, thread (rota-core "],
        ),
        ("subprocess", ["pip install rota-executor-subprocess"]),
        ("zzz", ['executor "zzz"\n', "rota plugins doctor"]),
    ],
)
def test_an_unknown_name_is_an_error_with_the_known_ones(name: str, parts: list[str]) -> None:
    """What there is, what was probably meant, what to install."""
    with pytest.raises(PluginError) as caught:
        PluginHost.for_tests().executors.get(name)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "value", "state"),
    [
        ("ROTA_DISABLE_PLUGINS", "", "loaded"),
        ("ROTA_DISABLE_PLUGINS", "retention", "blocked"),
        ("ROTA_DISABLE_PLUGINS", "rota-core", "loaded"),
        ("ROTA_PLUGIN_AUTOLOAD", "0", "loaded"),
    ],
)
def test_retention_comes_with_core_and_is_disabled_by_its_name(
    caplog: pytest.LogCaptureFixture, setting: str, value: str, state: str
) -> None:
    """It is no installed plugin: neither the distribution's name nor the switch for those turns it off."""
    host = PluginHost.load({setting: value}, quiet=True)
    assert [("rota-core", state)] == [(one.distribution, one.state) for one in host.records if one.name == "retention"]
    assert (state == "loaded") is any("system.history.cleaner" in jobs for jobs in host.jobs)
    with caplog.at_level(logging.WARNING, "rota.plugins"):
        PluginHost.load({setting: value})
    wrong = ["ROTA_DISABLE_PLUGINS names rota-core, which can't be disabled"]
    assert (wrong if value == "rota-core" else []) == [one for one in caplog.messages if "names" in one]


def test_loading_reads_the_environment_that_is_given(caplog: pytest.LogCaptureFixture) -> None:
    """No global: the settings are a mapping, and a quiet host warns of nothing."""
    environ = {"ROTA_PLUGIN_AUTOLOAD": "0", "ROTA_DISABLE_PLUGINS": "no-such-plugin"}
    with caplog.at_level(logging.WARNING, "rota.plugins"):
        quiet = PluginHost.load(environ, quiet=True)
        assert [] == caplog.messages
        PluginHost.load(environ)
    assert {"blocked"} >= {record.state for record in quiet.records if record.distribution != "rota-core"}
    assert ["ROTA_DISABLE_PLUGINS names no-such-plugin, and there is no such plugin or distribution"] == caplog.messages
