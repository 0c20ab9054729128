"""Whether a plugin's hook implementations are ones that core calls, before any is called."""

import difflib
import inspect
from typing import Final

import pluggy

from rota.plugins.fault import PluginFault
from rota.plugins.hookspecs import HOOKS

__all__ = ["register"]

_PREFIX: Final = "rota_"


def register(manager: pluggy.PluginManager, plugin: object, name: str) -> tuple[str, ...]:
    """Register `plugin` when each of its hooks is right; the names of the hooks, sorted.

    Raises: PluginFault for a misspelt or unmarked hook, an unknown argument, a wrapper, a coroutine
    function, or no hook at all; nothing stays registered then.
    """
    for attribute in dir(plugin):
        _check_attribute(manager, plugin, attribute)
    try:
        manager.register(plugin, name)
    except ValueError:
        raise PluginFault("another entry point already gave this very module") from None
    except pluggy.PluginValidationError as error:
        if manager.is_registered(plugin):  # pluggy before 1.6 keeps a refused plugin
            manager.unregister(plugin)
        raise PluginFault(" ".join(str(error).split())) from error
    hooks = sorted(caller.name for caller in manager.get_hookcallers(plugin) or () if caller.name in HOOKS)
    if not hooks:
        manager.unregister(plugin)
        raise PluginFault(f"it implements no hook; there are {', '.join(HOOKS)}, each marked with @hookimpl")
    return tuple(hooks)


def _check_attribute(manager: pluggy.PluginManager, plugin: object, attribute: str) -> None:
    options = manager.parse_hookimpl_opts(plugin, attribute)
    if options is None:
        if attribute.startswith(_PREFIX) and _is_own_function(plugin, attribute):
            _check_spelling(attribute)
            raise PluginFault(f"{attribute} is not marked as a hook; write @hookimpl above it")
        return
    hook = options.get("specname") or attribute
    if not options.get("optionalhook"):
        _check_spelling(hook)
    if options.get("wrapper") or options.get("hookwrapper"):
        raise PluginFault(f"{hook} is a wrapper; hooks of rota collect, so there is nothing to wrap")
    if inspect.iscoroutinefunction(getattr(plugin, attribute)):
        raise PluginFault(f"{hook} is an async def; hooks of rota are plain functions")


def _is_own_function(plugin: object, attribute: str) -> bool:
    """Modules and names that a plugin imports may start with rota_ too; they are no hooks of it."""
    found = inspect.getattr_static(plugin, attribute, None)
    home = plugin.__name__ if inspect.ismodule(plugin) else type(plugin).__module__
    return inspect.isroutine(found) and getattr(found, "__module__", None) == home


def _check_spelling(hook: str) -> None:
    if hook in HOOKS:
        return
    close = difflib.get_close_matches(hook, HOOKS, n=1)
    meant = f'; did you mean "{close[0]}"?' if close else f"; there are {', '.join(HOOKS)}"
    raise PluginFault(f'there is no hook "{hook}"{meant}')
