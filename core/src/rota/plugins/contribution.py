"""What one plugin's hooks answered, checked: the right types, the right interface version, no name twice."""

from collections.abc import Iterable, Mapping
from typing import Final, cast

import pluggy

from rota.plugins.fault import PluginFault
from rota.plugins.record import brief
from rota.plugins.reference import resolve

__all__ = ["Contribution", "collect", "names_of"]

Contribution = Mapping[str, tuple[object, ...]]
"""What a plugin offers, by hook."""

_ITEM: Final = {
    "rota_clients": "rota.plugins.specs:ClientSpec",
    "rota_commands": "click:Command",
    "rota_executors": "rota.plugins.specs:ExecutorSpec",
    "rota_jobs": "rota.jobs.jobs:Jobs",
    "rota_processors": "rota.plugins.specs:ProcessorSpec",
    "rota_queue_policies": "rota.plugins.specs:PolicySpec",
    "rota_stores": "rota.plugins.specs:StoreSpec",
}
"""The type of one item of a hook's answer, as text: click is imported for the command only."""


def collect(manager: pluggy.PluginManager, plugin: object, hooks: Iterable[str]) -> Contribution:
    """Call `hooks` of `plugin` once each.

    Raises: PluginFault when one raises, answers something else than its specification says, offers one
    name twice, or speaks another version of an interface.
    """
    found = {hook: _items(hook, _call(manager, plugin, hook)) for hook in hooks}
    for hook, items in found.items():
        _check_names(hook, items)
        _check_version(items)
    return found


def names_of(item: object) -> tuple[str, ...]:
    """Under which names an item is asked for: its schemes, or its name."""
    schemes = getattr(item, "schemes", None)
    return (getattr(item, "name", "") or "",) if schemes is None else schemes


def _call(manager: pluggy.PluginManager, plugin: object, hook: str) -> object:
    implementations = [one for one in getattr(manager.hook, hook).get_hookimpls() if one.plugin is plugin]
    if len(implementations) != 1:
        raise PluginFault(f"it implements {hook} {len(implementations)} times; once is what a plugin may")
    try:
        return implementations[0].function()
    except (Exception, SystemExit) as error:
        raise PluginFault(f"{hook} raised {brief(error)}") from error


def _items(hook: str, answer: object) -> tuple[object, ...]:
    wanted = cast(type, resolve(_ITEM[hook]))
    if hook == "rota_jobs":
        if not isinstance(answer, wanted):
            raise PluginFault(f"{hook} answered {_described(answer)}; it must answer one {wanted.__name__}")
        return (answer,)
    if isinstance(answer, wanted) or not isinstance(answer, Iterable):
        raise PluginFault(f"{hook} answered {_described(answer)}; it must answer a list of {wanted.__name__}")
    items = tuple(answer)
    for item in items:
        if not isinstance(item, wanted):
            raise PluginFault(f"{hook} answered a list with {_described(item)}; each must be a {wanted.__name__}")
    return items


def _described(answer: object) -> str:
    return "None" if answer is None else f"an object of type {type(answer).__name__}"


def _check_names(hook: str, items: Iterable[object]) -> None:
    if hook == "rota_jobs":
        return
    seen: set[str] = set()
    for name in (name for item in items for name in names_of(item)):
        if not name or name in seen:
            raise PluginFault(f'{hook} offers "{name}" twice' if name else f"{hook} offers an item without a name")
        seen.add(name)


def _check_version(items: Iterable[object]) -> None:
    for item in items:
        api, supported = getattr(item, "api", 0), getattr(item, "supported", 0)
        if api == supported:
            continue
        noun, names = getattr(item, "noun", ""), names_of(item)
        raise PluginFault(
            f"its {noun} {', '.join(names)} has version {api} of the {noun} interface, this rota-core has {supported}",
            "pip install --upgrade rota-core" if isinstance(api, int) and api > supported else "",
            state="incompatible",
            schemes=names if hasattr(item, "schemes") else (),
        )
