"""Entries by a time at which something is to be done with them: delayed ones, expiring ones."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from rota_store_memory.entry import Entry

__all__ = ["DueHeap"]


class DueHeap:
    """A heap of (time, id) with lazy removal: at most half of it is ever dead."""

    __slots__ = ("_alive", "_dead", "_heap")

    def __init__(self, alive: Callable[[Entry], bool]) -> None:
        self._alive = alive
        self._dead = 0
        self._heap: list[tuple[int, str, Entry]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, at_ms: int, entry: Entry) -> bool:
        """Add `entry` for `at_ms`; True when it is the earliest now. O(log n)."""
        heappush(self._heap, (at_ms, entry.id, entry))
        return self._heap[0][2] is entry

    def discard(self) -> None:
        """Count one entry that has just died without being popped."""
        self._dead += 1
        self._tidy()

    def next_ms(self) -> int | None:
        """The earliest time, None when there is nothing."""
        heap = self._heap
        while heap and not self._alive(heap[0][2]):
            self._drop_head()
        return heap[0][0] if heap else None

    def pop_due(self, now_ms: int) -> Entry | None:
        """The earliest entry whose time has come, if any. O(log n)."""
        at_ms = self.next_ms()
        if at_ms is None or at_ms > now_ms:
            return None
        entry = heappop(self._heap)[2]
        self._tidy()
        return entry

    def _drop_head(self) -> None:
        heappop(self._heap)
        self._dead = max(0, self._dead - 1)

    def _tidy(self) -> None:
        if self._dead * 2 > len(self._heap):
            self._heap[:] = (item for item in self._heap if self._alive(item[2]))
            heapify(self._heap)
            self._dead = 0
