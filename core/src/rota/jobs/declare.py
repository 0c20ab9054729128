"""From a function and the options of `job(...)` to a definition, checked where it is written."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, cast

from rota.engine.arguments import ArgumentPlan
from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.engine.rank import check_priority
from rota.jobs.context import Context
from rota.jobs.definition import DEFAULT_MAX_CRASHES, DEFAULT_PRIORITY, Definition
from rota.jobs.functions import check_runnable, is_asynchronous
from rota.jobs.importable import reference_of
from rota.jobs.options import UNSET, as_retry, key_template, timeout_in_ms
from rota.model.duration import Duration
from rota.model.errors import ConfigError
from rota.model.policy import ExecutorOptions, Keep, Limit, ProcessOptions, Retry

__all__ = ["RULE_OPTIONS", "check_options", "declare"]

#: The executor whose children import the function by its name.
PROCESS: Final = "process"

#: Options of `job(...)` that are the rule's of `recurring`.
RULE_OPTIONS: Final = ("misfire", "misfire_cap", "overlap")


def declare(
    kind: str,
    function: Callable[..., Any],
    *,
    executor: str | ExecutorOptions = UNSET,
    priority: int = DEFAULT_PRIORITY,
    timeout: Duration | None = None,
    retry: Retry | int = 0,
    max_crashes: int = DEFAULT_MAX_CRASHES,
    limits: Limit | Sequence[Limit] = (),
    unique_key: str | None = None,
    unique_until: Literal["started", "finished"] = "finished",
    keep: Duration | Keep | None = UNSET,
    recurring: Cron | Every | None = None,
    remote: bool = False,
) -> Definition:
    """The definition of `function` as `kind`. Raises: ConfigError for what can't be."""
    check_runnable(kind, function)
    if unique_until not in ("started", "finished"):
        raise ConfigError(f'job {kind!r}: unique_until is "started" or "finished"; got {unique_until!r}')
    plan = ArgumentPlan(function, context_type=Context, kind=kind)
    name, options = _split(kind, executor)
    if name == PROCESS and not remote:
        _check_process(kind, function, options)
    bounds = _checked_limits(kind, limits)
    keys = [limit.key for limit in bounds if limit.key is not None]
    return Definition(
        kind=kind,
        function=function,
        plan=plan,
        executor=_executor_of(kind, function, name),
        executor_options=options,
        priority=check_priority(priority),
        timeout_ms=timeout_in_ms(timeout),
        retry=as_retry(retry),
        max_crashes=_checked_crashes(kind, max_crashes),
        limits=bounds,
        lane=plan.check_template(keys[0], f"the limit's key of job {kind!r}") if keys else None,
        keep=keep if isinstance(keep, Keep) else Keep() if keep is UNSET else Keep(keep),
        unique_key=key_template(plan, unique_key, f"unique_key of job {kind!r}"),
        unique_until=unique_until,
        recurring=recurring,
        remote=remote,
    )


def check_options(given: Iterable[str]) -> None:
    """Raise ConfigError for an option that `job(...)` has not got."""
    known = ("kind", *(declare.__kwdefaults__ or ()), *RULE_OPTIONS)
    for name in given:
        if name not in known:
            raise ConfigError(f"job() has no option {name!r}; there are {', '.join(known)}")


def _split(kind: str, executor: Any) -> tuple[str, ExecutorOptions | None]:
    """The name of the executor, and its options where they were given in its place."""
    if executor is UNSET or isinstance(executor, str):
        return executor, None
    options = executor  # compared, and shared between the jobs that have equal ones
    if not isinstance(getattr(options, "executor", None), str) or getattr(type(options), "__hash__", None) is None:
        raise ConfigError(
            f"job {kind!r}: executor takes a name, or the frozen options of an executor's plugin such as "
            f"rota.ProcessOptions(); got {options!r}"
        )
    return options.executor, cast(ExecutorOptions, options)


def _check_process(kind: str, function: Callable[..., Any], options: ExecutorOptions | None) -> None:
    reference_of(f"job {kind!r}", function)
    if options is not None and not isinstance(options, ProcessOptions):
        raise ConfigError(
            f"job {kind!r}: options for the executor {PROCESS!r} are rota.ProcessOptions; got {options!r}"
        )


def _checked_limits(kind: str, limits: Limit | Sequence[Limit]) -> tuple[Limit, ...]:
    found = tuple(limits) if isinstance(limits, Iterable) else (limits,)
    if not all(isinstance(one, Limit) for one in found):
        raise ConfigError(f"job {kind!r}: limits takes a rota.Limit, or several; got {limits!r}")
    keyed = sum(one.key is not None for one in found)
    if keyed > 1 or len(found) - keyed > 1:
        raise ConfigError(
            f"job {kind!r}: at most one Limit with a key and one without; give one Limit both max_running and rate"
        )
    return found


def _checked_crashes(kind: str, max_crashes: int) -> int:
    if isinstance(max_crashes, bool) or not isinstance(max_crashes, int) or max_crashes < 0:
        raise ConfigError(f"job {kind!r}: max_crashes must be a whole number, 0 or more; got {max_crashes!r}")
    return max_crashes


def _executor_of(kind: str, function: Callable[..., Any], executor: str) -> str:
    is_async = is_asynchronous(function)
    fitting = "asyncio" if is_async else "thread"
    if executor is UNSET:
        return fitting
    if executor in ("asyncio", "thread") and executor != fitting:
        word = "an async def" if is_async else "a def"
        raise ConfigError(f'job {kind!r}: {word} function runs on executor="{fitting}", not "{executor}"')
    return executor
