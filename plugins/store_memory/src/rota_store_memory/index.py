"""Entries of one kind in id order, for `find`: additions are nearly always appends, removals are lazy."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Final

from rota.store.contract import MAX_LOOKED_AT
from rota_store_memory.entry import Entry

__all__ = ["IdIndex", "by_id"]

by_id: Final = attrgetter("id")


class IdIndex:
    """A sorted list of entries; those that `alive` denies are skipped by readers and dropped in time.

    At most half of it is ever dead. `add` is O(1) for the newest id, `discard` O(1) amortized.
    """

    __slots__ = ("_alive", "_dead", "_entries")

    def __init__(self, alive: Callable[[Entry], bool]) -> None:
        self._alive = alive
        self._dead = 0
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Take `entry` in."""
        entries = self._entries
        if not entries or entries[-1].id < entry.id:
            entries.append(entry)
        else:
            insort(entries, entry, key=by_id)

    def discard(self) -> None:
        """Count one entry that has just died; compact when they are more than half."""
        self._dead += 1
        if self._dead * 2 > len(self._entries):
            self._entries[:] = filter(self._alive, self._entries)
            self._dead = 0

    def walk(self, after: str | None, newest_first: bool) -> Iterator[Entry]:
        """The next entries beyond the id `after`, dead ones included, as many as one step may look at."""
        entries = self._entries
        if newest_first:
            end = len(entries) if after is None else bisect_left(entries, after, key=by_id)
            return reversed(entries[max(0, end - MAX_LOOKED_AT) : end])
        start = 0 if after is None else bisect_right(entries, after, key=by_id)
        return iter(entries[start : start + MAX_LOOKED_AT])

    def living(self, entry: Entry) -> bool:
        """Whether `entry`, met on a walk, still belongs here."""
        return self._alive(entry)
