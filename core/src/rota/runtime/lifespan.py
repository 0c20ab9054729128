"""The manager's lifespan: entered once per worker process, before the first claim."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Final, TypeAlias

from rota.model.errors import ConfigError

__all__ = ["Lifespan", "LifespanFunction"]

_LEAVE_S: Final = 30.0

LifespanFunction: TypeAlias = Callable[
    [], AbstractAsyncContextManager[Iterable[object] | None] | AbstractContextManager[Iterable[object] | None]
]


class Lifespan:
    """A context manager function; what it yields is found by type. An async one lives in the loop of the async
    jobs: `in_loop` runs a coroutine there and waits for it, so many seconds (None: for ever)."""

    def __init__(
        self, function: LifespanFunction | None, in_loop: Callable[[Coroutine[Any, Any, Any], float | None], Any]
    ) -> None:
        self._function = function
        self._in_loop = in_loop
        self._entered: AbstractAsyncContextManager[Any] | AbstractContextManager[Any] | None = None

    def enter(self) -> dict[type, object]:
        """Enter it; what it yielded, by type. What it raises stops the worker's start."""
        if self._function is None:
            return {}
        entered = self._function()
        if isinstance(entered, AbstractAsyncContextManager):
            yielded = self._in_loop(entered.__aenter__(), None)
        elif isinstance(entered, AbstractContextManager):
            yielded = entered.__enter__()
        else:
            raise ConfigError(
                f"lifespan must be a function under @contextmanager or @asynccontextmanager; it returned {entered!r}"
            )
        self._entered = entered
        if yielded is not None and (isinstance(yielded, Mapping) or not isinstance(yielded, Iterable)):
            what = type(yielded).__name__
            raise ConfigError(f"lifespan must yield a list of resources, or None; it yielded a {what}")
        return {type(one): one for one in yielded or ()}

    def exit(self) -> None:
        """Leave it, if it was entered. TimeoutError when an async one takes 30 s: a job may block the loop for ever."""
        entered, self._entered = self._entered, None
        if isinstance(entered, AbstractAsyncContextManager):
            self._in_loop(entered.__aexit__(None, None, None), _LEAVE_S)
        elif entered is not None:
            entered.__exit__(None, None, None)
