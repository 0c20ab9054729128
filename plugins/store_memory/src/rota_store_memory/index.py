"""Entries of one kind in id order, for `find`: additions are nearly always appends, removals are lazy."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from itertools import chain
from operator import attrgetter
from typing import Final

from rota.store.contract import MAX_LOOKED_AT
from rota_store_memory.entry import Entry

__all__ = ["IdIndex", "by_id"]

by_id: Final = attrgetter("id")

#: Entries in a chunk: an insertion in the middle moves at most twice as many, however large the index is.
_CHUNK: Final = 1024


class IdIndex:
    """Sorted chunks of entries; those that `alive` denies are passed on by `walk` and dropped in time.

    At most half of it is ever dead. `add` is O(1) for the newest id, O(log n) for another; `discard` is
    O(1) amortized.
    """

    __slots__ = ("_alive", "_chunks", "_dead", "_size")

    def __init__(self, alive: Callable[[Entry], bool]) -> None:
        self._alive = alive
        self._chunks: list[list[Entry]] = []
        self._dead = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, entry: Entry) -> None:
        """Take `entry` in."""
        self._size += 1
        chunks = self._chunks
        if chunks:
            last = chunks[-1]
            if entry.id < last[-1].id:
                self._insert(entry)
                return
            if len(last) < _CHUNK:
                last.append(entry)
                return
        chunks.append([entry])

    def discard(self) -> None:
        """Count one entry that has just died; compact when they are more than half."""
        self._dead += 1
        if self._dead * 2 > self._size:
            living = list(filter(self._alive, chain.from_iterable(self._chunks)))
            self._chunks = [living[start : start + _CHUNK] for start in range(0, len(living), _CHUNK)]
            self._size, self._dead = len(living), 0

    def walk(self, after: str | None, newest_first: bool) -> Iterator[Entry]:
        """The next entries beyond the id `after`, dead ones included, as many as one step may look at."""
        return iter(self._before(after) if newest_first else self._beyond(after))

    def living(self, entry: Entry) -> bool:
        """Whether `entry`, met on a walk, still belongs here."""
        return self._alive(entry)

    def _insert(self, entry: Entry) -> None:
        number = bisect_left(self._chunks, entry.id, key=_last_id)
        chunk = self._chunks[number]
        insort(chunk, entry, key=by_id)
        if len(chunk) > 2 * _CHUNK:
            self._chunks[number : number + 1] = [chunk[:_CHUNK], chunk[_CHUNK:]]

    def _beyond(self, after: str | None) -> list[Entry]:
        number = 0 if after is None else bisect_right(self._chunks, after, key=_last_id)
        found: list[Entry] = []
        for chunk in self._chunks[number:]:
            start = 0 if after is None or found else bisect_right(chunk, after, key=by_id)
            found += chunk[start:]
            if len(found) >= MAX_LOOKED_AT:
                break
        return found[:MAX_LOOKED_AT]

    def _before(self, after: str | None) -> list[Entry]:
        chunks = self._chunks
        number = len(chunks) - 1 if after is None else min(bisect_left(chunks, after, key=_last_id), len(chunks) - 1)
        found: list[Entry] = []
        while number >= 0 and len(found) < MAX_LOOKED_AT:
            chunk = chunks[number]
            end = len(chunk) if after is None or found else bisect_left(chunk, after, key=by_id)
            found += reversed(chunk[:end])
            number -= 1
        return found[:MAX_LOOKED_AT]


def _last_id(chunk: list[Entry]) -> str:
    return chunk[-1].id
