"""Load plugins one by one, so that a broken one harms nobody, and make a record of each.

pluggy's own loader stops at the first entry point that fails, without naming the distribution, and
drops the second of two with one name silently; hence this one. pluggy checks and keeps the hooks.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Final, final

import pluggy

from rota.plugins import builtin, hookspecs
from rota.plugins.contribution import Contribution, collect, names_of
from rota.plugins.fault import PluginFault
from rota.plugins.record import PluginRecord, brief
from rota.plugins.settings import DISABLE, PluginSettings, normalized
from rota.plugins.validation import register

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["CORE", "Candidate", "LoadedPlugin", "core_candidate", "discover", "load_plugins", "retention_candidate"]

CORE: Final = "rota-core"
"""The distribution of core's own plugin."""


@final
@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that may be loaded: `load` imports and returns it. Nothing disables an `essential` one; one that is
    not `installed` came with core."""

    name: str
    distribution: str
    version: str
    origin: str
    load: Callable[[], object]
    essential: bool = False
    installed: bool = True


@final
@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """What became of a candidate, and what it offers (nothing, unless its state is `loaded`)."""

    record: PluginRecord
    offers: Contribution = field(default_factory=dict)


def core_candidate() -> Candidate:
    """Core's own plugin."""
    return Candidate(builtin.NAME, CORE, _version(CORE), builtin.__name__, lambda: builtin, essential=True)


def retention_candidate() -> Candidate:
    """The cleaners of history and logs, which a program may do without."""
    name = "rota.plugins.retention"
    return Candidate("retention", CORE, _version(CORE), name, lambda: import_module(name), installed=False)


def discover() -> list[Candidate]:
    """The entry points of group `rota`, by distribution name, then by name: never by the file system's order."""
    from importlib.metadata import entry_points

    found = [_candidate(point) for point in entry_points(group=hookspecs.PROJECT)]
    return sorted(found, key=lambda one: (normalized(one.distribution), one.name))


def load_plugins(
    candidates: Iterable[Candidate], settings: PluginSettings, *, commands: bool = False
) -> list[LoadedPlugin]:
    """Load each candidate in order. Without `commands` the hook `rota_commands` is not called.

    Never raises for a plugin: its record says what is wrong with it.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    found: list[LoadedPlugin] = []
    taken: dict[str, PluginRecord] = {}
    for candidate in candidates:
        plugin = _admit(manager, candidate, settings, taken.get(candidate.name), commands)
        if plugin.record.state != "blocked":
            taken.setdefault(candidate.name, plugin.record)
        found.append(plugin)
    return found


def _admit(
    manager: pluggy.PluginManager,
    candidate: Candidate,
    settings: PluginSettings,
    holder: PluginRecord | None,
    commands: bool,
) -> LoadedPlugin:
    record = PluginRecord(
        candidate.name,
        candidate.distribution,
        candidate.version,
        candidate.origin,
        "loaded",
        essential=candidate.essential,
    )
    why, fix = (
        ("", "")
        if record.essential
        else settings.block(record.name, record.distribution, installed=candidate.installed)
    )
    if why:
        return LoadedPlugin(replace(record, state="blocked", error=why, fix=fix))
    if holder is not None:
        return LoadedPlugin(_shadowed(record, holder))
    try:
        return _load(manager, candidate, record, commands)
    except PluginFault as fault:
        default = f"report it to the author of {record.distribution}, or disable it: {DISABLE}={record.name}"
        error = replace(record, state=fault.state, schemes=fault.schemes, error=fault.why, fix=fault.fix or default)
        return LoadedPlugin(replace(error, cause=fault.__cause__))


def _load(manager: pluggy.PluginManager, candidate: Candidate, record: PluginRecord, commands: bool) -> LoadedPlugin:
    try:
        plugin = candidate.load()
    except (Exception, SystemExit) as error:
        raise PluginFault(brief(error), f"pip install --upgrade {record.distribution}") from error
    hooks = register(manager, plugin, record.name)
    try:
        offers = collect(manager, plugin, (hook for hook in hooks if commands or hook != "rota_commands"))
    except PluginFault:
        manager.unregister(plugin)
        raise
    schemes = [
        scheme for hook in ("rota_stores", "rota_clients") for item in offers.get(hook, ()) for scheme in names_of(item)
    ]
    return LoadedPlugin(replace(record, hooks=hooks, schemes=tuple(schemes)), offers)


def _shadowed(record: PluginRecord, holder: PluginRecord) -> PluginRecord:
    names = [one.distribution for one in (holder, record) if not one.essential]
    return replace(
        record,
        state="shadowed",
        error=f'{holder.source} has the plugin name "{record.name}" already',
        fix=f"disable one: {'   |   '.join(f'{DISABLE}={name}' for name in names)}",
        rival=holder,
    )


def _candidate(point: "EntryPoint") -> Candidate:
    name, version = (point.dist.name, point.dist.version) if point.dist is not None else ("", "")
    return Candidate(point.name, name or "unknown", version or "unknown", point.value, point.load)


def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "unknown"
