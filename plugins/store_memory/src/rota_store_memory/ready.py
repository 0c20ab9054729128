"""The ready order of one kind: what a claim takes from."""

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush, heapreplace
from typing import Protocol

from rota_store_memory.entry import SCHEDULED, Entry

__all__ = ["Order", "ReadyOrder", "merged"]


class Order(Protocol):
    """What may start of one kind, by (rank, due, id)."""

    def head(self) -> Entry | None:
        """The first, left where it is."""
        ...

    def pop(self) -> Entry | None:
        """Take the first out; None when there is none."""
        ...


class ReadyOrder:
    """Queued entries by (rank, due, id): what comes in order stands in a run, the rest in a heap.

    Work that is asked for in the order in which it is due, as most is, costs O(1) to push and to pop,
    whatever the backlog; the rest O(log n). Dead entries stay until met, or until more than half are dead.
    """

    __slots__ = ("_dead", "_heap", "_run")

    def __init__(self) -> None:
        self._run: deque[Entry] = deque()
        self._heap: list[Entry] = []
        self._dead = 0

    def __len__(self) -> int:
        """How many live entries there are."""
        return len(self._run) + len(self._heap) - self._dead

    @property
    def size(self) -> int:
        """How many entries there are, dead ones included."""
        return len(self._run) + len(self._heap)

    def push(self, entry: Entry) -> None:
        """Add `entry`."""
        run = self._run
        if not run or run[-1] < entry:
            run.append(entry)
        else:
            heappush(self._heap, entry)

    def pop(self) -> Entry | None:
        """Take the first live entry out; None when there is none."""
        run, heap = self._run, self._heap
        while run or heap:
            from_run = run and not (heap and heap[0] < run[0])
            entry = run.popleft() if from_run else heappop(heap)
            if entry.state is SCHEDULED:
                return entry
            self._dead -= 1
        return None

    def head(self) -> Entry | None:
        """The first live entry, left where it is."""
        run, heap = self._run, self._heap
        while run and run[0].state is not SCHEDULED:
            run.popleft()
            self._dead -= 1
        while heap and heap[0].state is not SCHEDULED:
            heappop(heap)
            self._dead -= 1
        if run and heap:
            return min(run[0], heap[0])
        return run[0] if run else heap[0] if heap else None

    def discard(self) -> None:
        """Count one entry that has just died where it stands."""
        self._dead += 1
        self.tidy()

    def tidy(self) -> None:
        """Drop the dead when they are more than half, as they may become by discards and by pops."""
        if self._dead * 2 > self.size:
            run = [entry for entry in self._run if entry.state is SCHEDULED]
            self._run.clear()
            self._run.extend(run)
            self._heap[:] = (entry for entry in self._heap if entry.state is SCHEDULED)
            heapify(self._heap)
            self._dead = 0


def merged(orders: list[Order]) -> Callable[[], Entry | None]:
    """A `pop` over several orders at once. O(log n + log orders) each."""
    if len(orders) == 1:
        return orders[0].pop
    heads = [(head, number) for number, order in enumerate(orders) if (head := order.head()) is not None]
    heapify(heads)
    taken_from: Order | None = None

    def pop() -> Entry | None:
        nonlocal taken_from
        if taken_from is not None:  # asked now: what follows may depend on what became of the one before
            following = taken_from.head()
            if following is None:
                heappop(heads)
            else:
                heapreplace(heads, (following, heads[0][1]))
        taken_from = orders[heads[0][1]] if heads else None
        return None if taken_from is None else taken_from.pop()

    return pop
