"""The plugins of one program: what became of each, and everything they offer. An object passed in, no global."""

import logging
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast, final

from rota.model.errors import PluginError
from rota.plugins.builtin import NAME
from rota.plugins.contribution import names_of
from rota.plugins.factories import FactoryTable
from rota.plugins.loader import (
    CORE,
    Candidate,
    LoadedPlugin,
    core_candidate,
    discover,
    load_plugins,
    retention_candidate,
)
from rota.plugins.policies import PolicyTable
from rota.plugins.processors import cycle_of, ordered
from rota.plugins.record import PluginRecord, Problem
from rota.plugins.settings import DISABLE, PluginSettings, normalized
from rota.plugins.specs import ClientSpec, ExecutorSpec, ProcessorSpec
from rota.plugins.stores import STORE_HINTS, StoreTable
from rota.plugins.table import Offer, Table

if TYPE_CHECKING:
    import click

    from rota.jobs.jobs import Jobs

__all__ = ["PluginHost"]

_log: Final = logging.getLogger("rota.plugins")

_CLIENT_HINTS: Final = {"rota": "rota-server"}
_EXECUTOR_HINTS: Final = {"subprocess": "rota-executor-subprocess"}


@final
class PluginHost:
    """Every plugin of the program, loaded once. Make one by `load`, or by `for_tests`.

    Tables answer by name and raise for what is asked for and not to be had; a broken plugin that
    nobody asks for costs one warning. Immutable, so any number of threads may share it.
    """

    def __init__(self, plugins: Iterable[LoadedPlugin]) -> None:
        self._plugins = tuple(plugins)
        self.records: Final = tuple(plugin.record for plugin in self._plugins)

    @classmethod
    def load(cls, environ: Mapping[str, str], *, commands: bool = False, quiet: bool = False) -> "PluginHost":
        """Load core's plugin and the installed ones, as ROTA_DISABLE_PLUGINS and ROTA_PLUGIN_AUTOLOAD allow.

        Only with `commands` are `rota_commands` hooks called. Each broken plugin is one warning of the
        logger `rota.plugins`, unless `quiet`. Raises: ConfigError for an unreadable setting, nothing else.
        """
        settings = PluginSettings.from_environ(environ)
        found = [core_candidate(), retention_candidate(), *discover()]
        host = cls(load_plugins(found, settings, commands=commands))
        if not quiet:
            host._warn(settings)
        return host

    @classmethod
    def for_tests(cls, plugins: Iterable[object] = (), *, strict: bool = True) -> "PluginHost":
        """Load core's plugin and these objects (modules, or instances with marked methods), and nothing installed.

        Raises: unless `strict` is False, the error of the first one that does not load.
        """
        given = (_given(plugin) for plugin in plugins)
        host = cls(load_plugins([core_candidate(), *given], PluginSettings(), commands=True))
        for record in host.records if strict else ():
            if record.state != "loaded":
                raise record.refusal()
        return host

    # ---- what plugins offer ------------------------------------------------------------------

    @cached_property
    def stores(self) -> StoreTable:
        """Stores by scheme; `rota.plugins.stores.open_store` makes one."""
        return FactoryTable("scheme", self._offers("rota_stores"), self.records, STORE_HINTS)

    @cached_property
    def clients(self) -> FactoryTable[ClientSpec]:
        """Clients for servers, by scheme."""
        return FactoryTable("client scheme", self._offers("rota_clients"), self.records, _CLIENT_HINTS)

    @cached_property
    def executors(self) -> FactoryTable[ExecutorSpec]:
        """Executors by name."""
        return FactoryTable("executor", self._offers("rota_executors"), self.records, _EXECUTOR_HINTS)

    @cached_property
    def policies(self) -> PolicyTable:
        """Queue policies by name."""
        return PolicyTable("queue policy", self._offers("rota_queue_policies"), self.records)

    @cached_property
    def commands(self) -> "Table[click.Command]":
        """Subcommands by name; empty unless the host was loaded with `commands`."""
        return Table("command", self._offers("rota_commands"), self.records)

    @cached_property
    def processors(self) -> tuple[ProcessorSpec, ...]:
        """Processors in the order of their calls. Raises: PluginConflict for a name claimed twice, or a cycle."""
        for problem in self._processor_table.conflicts():
            raise problem.conflict()
        return ordered(self._offers("rota_processors"))

    @cached_property
    def jobs(self) -> "tuple[Jobs, ...]":
        """The collections of jobs that plugins bring, in the order of the plugins."""
        return tuple(cast("Jobs", item) for plugin in self._plugins for item in plugin.offers.get("rota_jobs", ()))

    # ---- what is wrong -----------------------------------------------------------------------

    def require(self, name: str) -> PluginRecord:
        """The loaded plugin of that name.

        Raises: PluginConflict when two distributions claim it, PluginLoadError or IncompatiblePlugin when it
        did not load, PluginError when it is disabled or not installed.
        """
        claims = [record for record in self.records if record.name == name]
        for record in reversed(claims):  # a shadowed one first: its refusal names both
            if record.state != "loaded" and not claims[0].essential:
                raise record.refusal()
        if claims:
            return claims[0]
        known = ", ".join(f"{record.name} ({record.source})" for record in self.records)
        raise PluginError(f'no plugin is named "{name}"\n  known:   {known}\n  try:     rota plugins')

    def problems(self) -> tuple[Problem, ...]:
        """Everything wrong, found without importing a factory: plugins that did not load, names in conflict."""
        broken = [record.problem() for record in self.records if record.state not in ("loaded", "blocked")]
        tables = (self.stores, self.clients, self.executors, self.policies, self._processor_table, self.commands)
        conflicts = [problem for table in tables for problem in table.conflicts()]
        cycle = cycle_of(self._offers("rota_processors"))
        return (*broken, *conflicts, *([cycle] if cycle is not None else ()))

    @cached_property
    def _processor_table(self) -> Table[ProcessorSpec]:
        return Table("processor", self._offers("rota_processors"), self.records)

    def _offers(self, hook: str) -> "list[Offer[Any]]":
        return [
            Offer(name, item, plugin.record)
            for plugin in self._plugins
            for item in plugin.offers.get(hook, ())
            for name in names_of(item)
        ]

    def _warn(self, settings: PluginSettings) -> None:
        for record in self.records:
            if record.state not in ("loaded", "blocked"):
                where = f"{record.name} ({record.source})"
                see = f"rota plugins doctor {record.name}"
                _log.warning("plugin %s is not loaded (%s): %s; see: %s", where, record.state, record.error, see)
        others = [record for record in self.records if not record.essential]
        names, distributions = {one.name for one in others}, {one.distribution for one in others} - {CORE}
        for entry in settings.unknown(names, distributions):
            is_core = entry == NAME or normalized(entry) == CORE
            why = "which can't be disabled" if is_core else "and there is no such plugin or distribution"
            _log.warning("%s names %s, %s", DISABLE, entry, why)


def _given(plugin: object) -> Candidate:
    name = getattr(plugin, "__name__", type(plugin).__name__)
    return Candidate(name.rpartition(".")[2], "test", "0", name, lambda: plugin)
