"""From a function and the options of `job(...)` to a definition, checked where it is written."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal

from rota.engine.arguments import ArgumentPlan
from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.engine.rank import check_priority
from rota.jobs.context import Context
from rota.jobs.definition import DEFAULT_PRIORITY, Definition
from rota.jobs.functions import check_runnable, is_asynchronous
from rota.jobs.options import UNSET, as_retry, key_template, timeout_in_ms
from rota.model.duration import Duration
from rota.model.errors import ConfigError, UnsupportedFeature
from rota.model.policy import Limit, Retry

__all__ = ["check_options", "declare"]

_OF_RULES: Final = ("misfire", "overlap")


def declare(
    kind: str,
    function: Callable[..., Any],
    *,
    executor: str = UNSET,
    priority: int = DEFAULT_PRIORITY,
    timeout: Duration | None = None,
    retry: Retry | int = 0,
    limits: Limit | Sequence[Limit] = (),
    unique_key: str | None = None,
    unique_until: Literal["started", "finished"] = "finished",
    keep: Duration | None = UNSET,
    recurring: Cron | Every | None = None,
    remote: bool = False,
) -> Definition:
    """The definition of `function` as `kind`.

    Raises: ConfigError for what can't be; UnsupportedFeature for limits, retention and the process
    executor, which this version has not got.
    """
    check_runnable(kind, function)
    _refuse_unsupported(kind, executor, limits, keep)
    if unique_until not in ("started", "finished"):
        raise ConfigError(f'job {kind!r}: unique_until is "started" or "finished"; got {unique_until!r}')
    plan = ArgumentPlan(function, context_type=Context, kind=kind)
    return Definition(
        kind=kind,
        function=function,
        plan=plan,
        executor=_executor_of(kind, function, executor),
        priority=check_priority(priority),
        timeout_ms=timeout_in_ms(timeout),
        retry=as_retry(retry),
        unique_key=key_template(plan, unique_key, f"unique_key of job {kind!r}"),
        unique_until=unique_until,
        recurring=recurring,
        remote=remote,
    )


def check_options(given: Iterable[str]) -> None:
    """Raise ConfigError for an option that `job(...)` has not got."""
    known = ("kind", *(declare.__kwdefaults__ or ()))
    for name in given:
        if name in _OF_RULES:
            raise ConfigError(f"job() has no option {name!r}: it belongs to recurring(name, trigger, call, {name}=...)")
        if name not in known:
            raise ConfigError(f"job() has no option {name!r}; there are {', '.join(known)}")


def _refuse_unsupported(kind: str, executor: str, limits: Limit | Sequence[Limit], keep: Duration | None) -> None:
    for given, feature, what in (
        (bool(limits), "limits", "limits="),
        (keep is not UNSET, "retention", "keep="),
        (executor == "process", "process", 'executor="process"'),
    ):
        if given:
            raise UnsupportedFeature(f"job {kind!r}: {what} is not available in this version of rota", feature=feature)


def _executor_of(kind: str, function: Callable[..., Any], executor: str) -> str:
    is_async = is_asynchronous(function)
    fitting = "asyncio" if is_async else "thread"
    if executor is UNSET:
        return fitting
    if executor in ("asyncio", "thread") and executor != fitting:
        word = "an async def" if is_async else "a def"
        raise ConfigError(f'job {kind!r}: {word} function runs on executor="{fitting}", not "{executor}"')
    return executor
