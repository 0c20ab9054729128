"""Flows: calls in, one call out. Typed now; what they need of stores is not available in this version."""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar, overload

from rota.jobs.call import Call
from rota.jobs.options import unsupported_flows

__all__ = ["chain", "chord", "group"]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
R = TypeVar("R")
A_contra = TypeVar("A_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class _Step(Protocol[A_contra, R_co]):
    """A job that takes the result of what stands before it."""

    def call(self, arg: A_contra, /) -> Call[R_co]: ...


def group(calls: Iterable[Call[R]], /) -> Call[list[R]]:
    """All of them, side by side; the results in order. Raises UnsupportedFeature."""
    raise unsupported_flows("rota.group()")


def chord(calls: Iterable[Call[A]], then: _Step[list[A], R], /) -> Call[R]:
    """All of them, side by side, and `then` with their results. Raises UnsupportedFeature."""
    raise unsupported_flows("rota.chord()")


@overload
def chain(first: Call[A], s1: _Step[A, B], /) -> Call[B]: ...
@overload
def chain(first: Call[A], s1: _Step[A, B], s2: _Step[B, C], /) -> Call[C]: ...
@overload
def chain(
    first: Call[A], s1: _Step[A, B], s2: _Step[B, C], s3: _Step[C, Any], /, *more: _Step[Any, Any]
) -> Call[Any]: ...
def chain(first: Call[Any], /, *steps: _Step[Any, Any]) -> Call[Any]:
    """One after the other, each with the result of the one before. Raises UnsupportedFeature."""
    raise unsupported_flows("rota.chain()")
