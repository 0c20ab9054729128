"""Calling a job's function: arguments converted, the context injected, the outcome judged."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from rota.jobs.context import Context
from rota.jobs.running import CURRENT
from rota.model.errors import JobCanceled
from rota.model.records import Outcome
from rota.runtime.answer import Answer
from rota.runtime.attempt import Attempt
from rota.runtime.verdict import Judge

__all__ = ["Judging", "run", "run_async", "run_outside"]

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Judging(Protocol[V_co]):
    """Who says what a call came to: the worker's `Judge`, or who reports to it from another process."""

    def runs_user_code(self, attempt: Attempt) -> bool:
        """True when judging may call a user's code, which no loop may wait for."""
        ...

    def returned(self, attempt: Attempt, value: object) -> V_co:
        """The function returned."""
        ...

    def raised(self, attempt: Attempt, error: BaseException, *, retriable: bool = True) -> V_co:
        """The function raised, or could not be called."""
        ...


def run(attempt: Attempt, judge: Judging[V]) -> V:
    """Run a plain function in this thread, in a context of its own. Never raises."""
    reset = CURRENT.set(attempt)
    try:
        try:
            args, kwargs = _arguments(attempt)
        except Exception as error:  # noqa: BLE001 - rota's own, or what the class of an argument raises
            return judge.raised(attempt, error, retriable=False)
        try:
            value = _function(attempt)(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - a worker survives anything a job does
            return judge.raised(attempt, error)
        return judge.returned(attempt, value)
    finally:
        CURRENT.reset(reset)


def run_outside(attempt: Attempt, judge: Judge, ask: Callable[[Attempt], Answer]) -> Outcome:
    """Judge, in this thread, what the function came to in another process."""
    reset = CURRENT.set(attempt)
    try:
        return judge.answered(attempt, ask(attempt))
    finally:
        CURRENT.reset(reset)


async def run_async(attempt: Attempt, judge: Judging[V]) -> V:
    """Run a coroutine function in this task; its processors, which are plain functions, beside the loop."""
    import asyncio

    CURRENT.set(attempt)  # the task has a context of its own
    try:
        args, kwargs = _arguments(attempt)
    except Exception as error:  # noqa: BLE001 - rota's own, or what the class of an argument raises
        return await _judged(partial(judge.raised, attempt, error, retriable=False), attempt, judge)
    try:
        value = await _function(attempt)(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - a worker survives anything a job does
        if isinstance(error, asyncio.CancelledError) and attempt.interruption is not None:
            error = JobCanceled("canceled while it awaited")
        return await _judged(partial(judge.raised, attempt, error), attempt, judge)
    return await _judged(partial(judge.returned, attempt, value), attempt, judge)


async def _judged(decide: Callable[[], V], attempt: Attempt, judge: Judging[V]) -> V:
    """Decide here, or in a thread when a user's code may be called: the loop must not wait for it."""
    if attempt.ended or not judge.runs_user_code(attempt):
        return decide()
    import asyncio

    decision = asyncio.ensure_future(asyncio.to_thread(decide))
    while not decision.done():
        try:
            await asyncio.shield(decision)
        except asyncio.CancelledError:  # meant for the function, which has ended
            continue
    return decision.result()


def _function(attempt: Attempt) -> Callable[..., Any]:
    return cast("Callable[..., Any]", attempt.definition.function)  # a worker takes only kinds that have one


def _arguments(attempt: Attempt) -> tuple[tuple[object, ...] | list[object], dict[str, object]]:
    plan = attempt.definition.plan
    args, kwargs = plan.bind(*plan.decode(attempt.arguments))
    return ((Context(attempt), *args) if plan.takes_context else args), kwargs
