"""Finished instances of one kind and one final state: in id order for `find`, by their end for `purge`."""

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Final

from rota_store_memory.entry import Entry
from rota_store_memory.index import IdIndex

__all__ = ["Ended"]

_by_end: Final[Callable[[Entry], int]] = attrgetter("ended_ms")


def _kept(entry: Entry) -> bool:
    return not entry.hollow


class Ended:
    """The two orders of the finished."""

    __slots__ = ("_dead", "_order", "index")

    def __init__(self) -> None:
        self.index = IdIndex(_kept)
        self._order: deque[Entry] = deque()
        self._dead = 0

    def add(self, entry: Entry) -> None:
        """Take a finished entry in; O(1) unless the clock was set back since the last."""
        self.index.add(entry)
        order = self._order
        if order and _by_end(order[-1]) > _by_end(entry):
            insort(order, entry, key=_by_end)
        else:
            order.append(entry)

    def by_end(self) -> Iterator[Entry]:
        """Those that ended first, first; what was met may be emptied before the next is asked for."""
        while self._order and self._order[0].hollow:
            self._order.popleft()
            self._dead -= 1
        return filter(_kept, self._order)  # which nothing but `add` changes: `discard` makes another one

    def discard(self) -> None:
        """Count one entry that was emptied just now."""
        self.index.discard()
        self._dead += 1
        if self._dead * 2 > len(self._order):
            self._order = deque(filter(_kept, self._order))
            self._dead = 0
