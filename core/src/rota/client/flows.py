"""Flows: calls in, one call out. What a call needs is scheduled with it, before it."""

from collections.abc import Iterable
from math import isqrt
from typing import Any, Final, Literal, Protocol, TypeVar, overload

from rota.jobs.call import Call, check_call, check_calls
from rota.jobs.flow_jobs import group_definition
from rota.jobs.options import CallOptions
from rota.store.contract import MAX_PARENTS

__all__ = ["chain", "chord", "group"]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
R = TypeVar("R")
A_contra = TypeVar("A_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)

_OnFailure = Literal["cancel", "run"]

_OPTIONS: Final[dict[_OnFailure, CallOptions]] = {
    "cancel": CallOptions(), "run": CallOptions(on_parent_failure="run"),
}  # fmt: skip


class _Step(Protocol[A_contra, R_co]):
    """A job that takes the result of what stands before it."""

    def call(self, arg: A_contra, /) -> Call[R_co]: ...


def group(calls: Iterable[Call[R]], /) -> Call[list[R]]:
    """All of them, side by side; the results in order. Its progress is the part of them that have ended; when one ends
    without success, so does it: CANCELED, reason "parent". Without any it is an empty list."""
    return _collected(_checked("group()", calls), "cancel")


def chord(calls: Iterable[Call[A]], then: _Step[list[A], R], /) -> Call[R]:
    """All of them, side by side, and `then` with their results. When one ends without success, `then` is CANCELED,
    reason "parent", unless it has `options(on_parent_failure="run")`: it gets None in that place then."""
    all_calls = _checked("chord()", calls)
    if len(all_calls) <= MAX_PARENTS:
        return then.call([call.output for call in all_calls])
    call = then.call(_collected(all_calls, "cancel").output)
    if call.options.on_parent_failure == "cancel":
        return call
    return then.call(_collected(all_calls, "run").output)


@overload
def chain(first: Call[A], s1: _Step[A, B], /) -> Call[B]: ...
@overload
def chain(first: Call[A], s1: _Step[A, B], s2: _Step[B, C], /) -> Call[C]: ...
@overload
def chain(
    first: Call[A], s1: _Step[A, B], s2: _Step[B, C], s3: _Step[C, Any], /, *more: _Step[Any, Any]
) -> Call[Any]: ...
def chain(first: Call[Any], /, *steps: _Step[Any, Any]) -> Call[Any]:
    """One after the other, each with the result of the one before. When one ends without success, those after it are
    CANCELED, reason "parent"."""
    check_call("chain()", first)
    call = first
    for step in steps:
        call = step.call(call.output)
    return call


def _checked(what: str, calls: Iterable[Call[R]]) -> list[Call[R]]:
    found = list(check_calls(what, calls))
    for call in found:
        check_call(what, call)
    return found


def _collected(calls: list[Call[Any]], on_failure: _OnFailure, *, parts: bool = False) -> Call[list[Any]]:
    """A call that collects results, or the `parts` of them. More than one instance may depend on are collected in
    parts, about as many as each has calls, so that the progress goes in small steps, too."""
    if len(calls) > MAX_PARENTS:
        size = min(MAX_PARENTS, isqrt(len(calls)))
        slices = (calls[start : start + size] for start in range(0, len(calls), size))
        return _collected([_collected(one, on_failure, parts=parts) for one in slices], on_failure, parts=True)
    outputs = [call.output for call in calls]
    return Call(group_definition(), _OPTIONS[on_failure], [outputs], {"parts": True} if parts else {})
