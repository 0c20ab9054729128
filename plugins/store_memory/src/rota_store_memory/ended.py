"""Finished instances of one kind and one final state: in id order for `find`, by their end for `purge`."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final, TypeAlias

from rota_store_memory.entry import Entry
from rota_store_memory.index import IdIndex

__all__ = ["Ended", "Place", "by_end"]

Place: TypeAlias = tuple[int, str]  #: where a finished instance stands: the time of its end, its id

#: Entries in a chunk: adding or removing one in the middle moves at most twice as many, however many there are.
_CHUNK: Final = 512


def by_end(entry: Entry) -> Place:
    """The place of a finished `entry`."""
    return entry.ended_ms or 0, entry.id


def _last(chunk: list[Entry]) -> Place:
    return by_end(chunk[-1])


def _kept(entry: Entry) -> bool:
    return not entry.hollow


class Ended:
    """The two orders of the finished. That by their end has no dead entries: each is taken out by its place."""

    __slots__ = ("_chunks", "index")

    def __init__(self) -> None:
        self.index = IdIndex(_kept)
        self._chunks: list[list[Entry]] = []

    def add(self, entry: Entry) -> None:
        """Take a finished entry in. O(1) for one that ended after all others, O(log n) for another."""
        self.index.add(entry)
        chunks = self._chunks
        if not chunks or (len(chunks[-1]) >= _CHUNK and _last(chunks[-1]) < by_end(entry)):
            chunks.append([entry])
        elif _last(chunks[-1]) < by_end(entry):
            chunks[-1].append(entry)
        else:
            self._insert(entry)

    def walk(self, since_ms: int | None, after: Place | None) -> Iterator[Entry]:
        """Entries by their end, from `since_ms` on and beyond the place `after`. O(log n), then O(1) each. Nothing
        may be added or removed meanwhile."""
        start = max((since_ms or 0, ""), after or (0, ""))  # no id is empty
        number = bisect_right(self._chunks, start, key=_last)
        for chunk in self._chunks[number : number + 1]:
            yield from chunk[bisect_right(chunk, start, key=by_end) :]
        for at in range(number + 1, len(self._chunks)):
            yield from self._chunks[at]

    def remove(self, entry: Entry) -> None:
        """Take out one that is here, and empty it. O(log n)."""
        place = by_end(entry)
        number = bisect_left(self._chunks, place, key=_last)
        chunk = self._chunks[number]
        del chunk[bisect_left(chunk, place, key=by_end)]
        if not chunk:
            del self._chunks[number]
        entry.empty()  # from here on it has no place, and the index knows that it is dead
        self.index.discard()

    def _insert(self, entry: Entry) -> None:
        number = bisect_left(self._chunks, by_end(entry), key=_last)
        chunk = self._chunks[number]
        insort(chunk, entry, key=by_end)
        if len(chunk) > 2 * _CHUNK:
            self._chunks[number : number + 1] = [chunk[:_CHUNK], chunk[_CHUNK:]]
