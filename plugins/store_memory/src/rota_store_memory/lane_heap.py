"""Lanes by something that changes with them: by their first instance, by the time of their next refill."""

from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any, Generic, TypeVar

__all__ = ["LaneHeap"]

Lane = TypeVar("Lane")

#: Below so many the stale ones are not worth a sweep.
_SMALL = 16


class LaneHeap(Generic[Lane]):
    """A heap in which each lane stands once at most. What was replaced stays until it is met, or until more than
    half of the heap is stale, or all of it; keys are copies, so that nothing in the heap ever changes."""

    __slots__ = ("_heap", "_serial", "_valid")

    def __init__(self) -> None:
        self._heap: list[tuple[Any, ...]] = []
        self._valid: dict[Lane, tuple[Any, ...]] = {}
        self._serial = count()  # lanes are not compared

    def __len__(self) -> int:
        return len(self._valid)

    @property
    def size(self) -> int:
        """How many there are, stale ones included."""
        return len(self._heap)

    def put(self, lane: Lane, *key: Any) -> None:
        """Let `lane` stand by `key`, and by no other. O(log n)."""
        standing = self._valid.get(lane)
        if standing is None or standing[:-2] != key:
            self._valid[lane] = item = (*key, next(self._serial), lane)
            heappush(self._heap, item)
            self._tidy()

    def drop(self, lane: Lane) -> None:
        """Let `lane` stand here no more. O(1), amortized."""
        if self._valid.pop(lane, None) is not None:
            self._tidy()

    def first(self) -> tuple[Any, ...] | None:
        """The least key, followed by a number and its lane."""
        heap, valid = self._heap, self._valid
        while heap and valid.get(heap[0][-1]) is not heap[0]:
            heappop(heap)
        return heap[0] if heap else None

    def pop(self) -> Lane | None:
        """Take out the lane of the least key. O(log n)."""
        first = self.first()
        if first is None:
            return None
        heappop(self._heap)
        lane: Lane = first[-1]
        del self._valid[lane]
        self._tidy()
        return lane

    def _tidy(self) -> None:
        living = len(self._valid)
        if len(self._heap) > (2 * living + _SMALL if living else 0):
            self._heap[:] = self._valid.values()
            heapify(self._heap)
