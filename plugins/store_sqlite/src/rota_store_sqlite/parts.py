"""Statements over several rows at once.

One for many rows lets go of the interpreter's lock once, where one for each row does so for each: to get it back takes
up to 5 ms while a job of this process computes, and other processes wait for the file so long.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, TypeVar

__all__ = ["for_rows", "parts"]

T = TypeVar("T")

_SIZES: Final = (100, 10, 1)  # few, so that few statements are prepared


def parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items in runs of 100, 10 or 1."""
    start = 0
    for size in _SIZES:
        while len(items) - start >= size:
            yield items[start : start + size]
            start += size


@cache
def for_rows(statement: str, number: int, columns: int = 0) -> str:
    """The statement with its {rows} filled in: so many parameters, or tuples of `columns` of them."""
    row = f"({', '.join('?' * columns)})" if columns else "?"
    return statement.replace("{rows}", ", ".join([row] * number))
