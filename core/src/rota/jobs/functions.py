"""What kind of function it is, and which kinds can be a job or a processor."""

import inspect
from typing import Any

from rota.model.errors import ConfigError

__all__ = ["check_processor", "check_runnable", "is_asynchronous"]


def is_asynchronous(function: Any) -> bool:
    """True for an `async def`, also inside a partial or as the `__call__` of an object."""
    return any(map(inspect.iscoroutinefunction, _forms(function)))


def check_runnable(kind: str, function: Any) -> None:
    """Raise ConfigError for what does no work by being called: a generator function, or a class."""
    if not callable(function):
        raise ConfigError(f"job {kind!r}: {function!r} is not a function")
    if isinstance(_forms(function)[0], type):
        raise ConfigError(f"job {kind!r}: {function!r} is a class; write a function that makes one and uses it")
    if _is_generator(function):
        raise ConfigError(
            f"job {kind!r}: a function with yield does nothing when it is called, and what it yields is no result; "
            "return a list, or schedule a job for each item"
        )


def check_processor(what: str, function: Any) -> None:
    """Raise ConfigError unless a call of it does its work; `what` says where it was given."""
    if callable(function) and not is_asynchronous(function) and not _is_generator(function):
        return
    form = "an async def" if is_asynchronous(function) else "a generator function" if callable(function) else "neither"
    raise ConfigError(f"{what} takes a plain function, a def that returns; {function!r} is {form}")


def _is_generator(function: Any) -> bool:
    return any(inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one) for one in _forms(function))


def _forms(function: Any) -> tuple[Any, Any]:
    """What a partial wraps, and how an object is called."""
    inner = getattr(function, "func", function)
    return inner, getattr(type(inner), "__call__", None)  # noqa: B004
