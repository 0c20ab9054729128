"""The typing of `@jobs.job`: what a decorated function's job accepts and gives, stated once."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.jobs.context import Context
from rota.jobs.job import Job
from rota.model.duration import Duration
from rota.model.policy import ExecutorOptions, Keep, Limit, Retry

__all__ = ["Decorator", "JobMethod"]

P = ParamSpec("P")
R = TypeVar("R")
_Coro: TypeAlias = Coroutine[Any, Any, R]


class _TakesAnything:
    """A witness: a function whose first parameter takes it (object, Any) is not a context function."""


class Decorator(Protocol):
    """What `job(...)` with options returns."""

    @overload
    def __call__(self, fn: Callable[Concatenate[_TakesAnything, P], _Coro[R]], /) -> Job[..., R, _Coro[R]]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[_TakesAnything, P], R], /) -> Job[..., R]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[Context, P], _Coro[R]], /) -> Job[P, R, _Coro[R]]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[Context, P], R], /) -> Job[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, _Coro[R]], /) -> Job[P, R, _Coro[R]]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Job[P, R]: ...


class JobMethod(Protocol):
    """`@jobs.job`, `@jobs.job(kind=...)` and `jobs.job(function)`: a property typed so, to state the overloads once."""

    @overload
    def __call__(self, fn: Callable[Concatenate[_TakesAnything, P], _Coro[R]], /) -> Job[..., R, _Coro[R]]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[_TakesAnything, P], R], /) -> Job[..., R]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[Context, P], _Coro[R]], /) -> Job[P, R, _Coro[R]]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[Context, P], R], /) -> Job[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, _Coro[R]], /) -> Job[P, R, _Coro[R]]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Job[P, R]: ...
    @overload
    def __call__(
        self,
        /,
        *,
        kind: str | None = None,
        executor: str | ExecutorOptions = ...,
        priority: int = 5,
        timeout: Duration | None = None,
        retry: Retry | int = 0,
        max_crashes: int = 3,
        limits: Limit | Sequence[Limit] = (),
        unique_key: str | None = None,
        unique_until: Literal["started", "finished"] = "finished",
        keep: Duration | Keep | None = ...,
        recurring: Cron | Every | None = None,
        misfire: Literal["latest", "skip", "all"] = "latest",
        misfire_cap: int = 100,
        overlap: Literal["skip", "allow"] = "skip",
        remote: bool = False,
    ) -> Decorator: ...
