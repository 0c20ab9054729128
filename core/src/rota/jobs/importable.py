"""The name by which another process imports a job's function, and the way back."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

from rota.jobs.job import Job
from rota.model.errors import ConfigError

__all__ = ["function_at", "reference_of"]

_INSTEAD = (
    "write it as a def of a module or of the script itself, not in another function, a console or a notebook; "
    'or leave executor="process" away'
)


def reference_of(what: str, function: Callable[..., Any]) -> str:
    """The name of a function, "module:qualname".

    Raises: ConfigError, opened by `what`, when no other process can import it.
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not module or not name or "<" in name or _is_bound(function):
        raise ConfigError(f"{what}: another process can't import {function!r} by its name; {_INSTEAD}")
    if module == "__main__" and not _main_is_a_file():
        raise ConfigError(f"{what}: another process can't import {name!r} of a console; {_INSTEAD}")
    return f"{module}:{name}"


def _is_bound(function: Any) -> bool:
    """True for a method of one object: its name leads to the function alone. A class is found again by its name."""
    owner = getattr(function, "__self__", None)
    return owner is not None and not isinstance(owner, type)


def _main_is_a_file() -> bool:
    main = sys.modules.get("__main__")
    return getattr(main, "__spec__", None) is not None or hasattr(main, "__file__")


def function_at(reference: str) -> Callable[..., Any]:
    """Import what `reference_of` named: the function, also where its name leads to the job made of it.

    Raises: ConfigError when there is no function; what the import of its module raises.
    """
    module, _, path = reference.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    function = found.definition.function if isinstance(found, Job) else found
    if not callable(function):
        raise ConfigError(f"{reference} leads to {found!r}, where the job's function should be: give it its own name")
    return function
