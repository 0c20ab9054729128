"""The lanes of one kind: instances that share a limit's key wait in line, and only the first of a line may be next."""

from rota.engine.limits import Bound
from rota_store_memory.entry import Entry
from rota_store_memory.lane_heap import LaneHeap
from rota_store_memory.ready import ReadyOrder
from rota_store_memory.use import Use

__all__ = ["Lane", "Lanes"]


class Lane(Use):
    """The instances of one key that are due (`size` of them: `head`, and the rest behind it) or running.

    `open` is how many of the due may start as of the last look, `held` how many can't: all, or none.
    """

    __slots__ = ("head", "held", "key", "open", "rest", "size")

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.head: Entry | None = None
        self.rest: ReadyOrder | None = None  # made for the second one: most lanes of a long tail have one
        self.size = self.open = self.held = 0

    def push(self, entry: Entry) -> None:
        """Let `entry` stand in line. O(log n)."""
        head = self.head
        if head is None:
            self.head = entry
            return
        if self.rest is None:
            self.rest = ReadyOrder()
        if entry < head:
            self.head, entry = entry, head
        self.rest.push(entry)

    def leave(self, entry: Entry) -> None:
        """Let `entry` stand in line no more; its state says already that it does not wait. O(log n)."""
        if self.rest is None:
            self.head = None
        elif self.head is entry:
            self.head = self.rest.pop()
            self.rest.tidy()
        else:
            self.rest.discard()


class Lanes:
    """All lanes that have something due or running, or whose rate is not full again, under one bound.

    The heads of those with room stand in a heap by ready order; those that their rate alone holds back in one by
    the time of the refill. What is held back is looked at by nobody, however much it is.
    """

    __slots__ = ("_bound", "_heads", "_idle", "_lanes", "_refills", "due", "held", "open")

    def __init__(self) -> None:
        self._bound = Bound()
        self._lanes: dict[str, Lane] = {}
        self._heads = LaneHeap[Lane]()
        self._refills = LaneHeap[Lane]()
        self._idle: dict[Lane, None] = {}  # by the time at which they became idle
        self.due = 0  #: how many stand in line
        self.open = 0  #: of these, how many may start
        self.held = 0  #: and how many stand in lanes without room

    def __len__(self) -> int:
        """How many lanes there are."""
        return len(self._lanes)

    def push(self, key: str, entry: Entry, now_ms: int) -> None:
        """Let a due `entry` stand in its lane. O(log n)."""
        lane = self._lane(key)
        lane.push(entry)
        if lane.size and lane.head is not entry:
            self._count(lane, lane.size + 1)
        else:
            self._review(lane, lane.size + 1, now_ms)

    def head(self) -> Entry | None:
        """The first in ready order of those that may start."""
        first = self._heads.first()
        if first is None:
            return None
        lane: Lane = first[-1]
        return lane.head

    def pop(self) -> Entry | None:
        """The same, no candidate any more; its next change of state (`left`, `started`) brings the next one forward."""
        lane = self._heads.pop()
        return None if lane is None else lane.head

    def started(self, key: str, entry: Entry, now_ms: int) -> None:
        """`entry`, which stood in line, was claimed."""
        lane = self._lanes[key]
        lane.leave(entry)
        lane.start(self._bound, now_ms)
        self._settle_down(lane, lane.size - 1, now_ms)

    def left(self, key: str, entry: Entry, now_ms: int) -> None:
        """`entry` has ended where it stood."""
        lane = self._lanes[key]
        lane.leave(entry)
        self._review(lane, lane.size - 1, now_ms)

    def ended(self, key: str, now_ms: int) -> None:
        """A claim of this lane has ended."""
        lane = self._lanes[key]
        had_room = lane.room > 0
        lane.end(self._bound)
        if not lane.size:
            self._rest(lane, now_ms)
        elif not had_room:
            self._settle_down(lane, lane.size, now_ms)
        elif lane.open < lane.size:
            self._count(lane, lane.size)

    def bind(self, bound: Bound, now_ms: int) -> None:
        """Put another bound in place of the one before. O(lanes * log lanes)."""
        for lane in self._lanes.values():
            lane.write_down(self._bound)
        self._bound = bound
        self.review_all(now_ms)

    def review_all(self, now_ms: int) -> None:
        """Look at every lane anew. O(lanes * log lanes)."""
        for lane in list(self._lanes.values()):
            self._review(lane, lane.size, now_ms)

    def refill(self, now_ms: int) -> None:
        """Bring back those whose rate lets one start by now, and forget those that are idle and full. O(log n) each,
        paid once for each time that a rate held a lane back."""
        while (first := self._refills.first()) is not None and first[0] <= now_ms:
            lane: Lane = first[-1]
            self._refills.drop(lane)
            self._review(lane, lane.size, now_ms)
        while self._idle and (lane := next(iter(self._idle))).is_full(self._bound, now_ms):
            self._forget(lane)

    def refill_ms(self) -> int | None:
        """When the next refill brings a lane back."""
        first = self._refills.first()
        return None if first is None else first[0]

    def _lane(self, key: str) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        return lane

    def _review(self, lane: Lane, size: int, now_ms: int) -> None:
        lane.look(self._bound, now_ms)
        self._settle_down(lane, size, now_ms)

    def _settle_down(self, lane: Lane, size: int, now_ms: int) -> None:
        """Put `lane`, just looked at, where it belongs now."""
        self._count(lane, size)
        head = lane.head
        if head is None:
            self._heads.drop(lane)
            self._refills.drop(lane)
            self._rest(lane, now_ms)
            return
        self._idle.pop(lane, None)
        if lane.room > 0:
            self._refills.drop(lane)
            self._heads.put(lane, head.rank, head.due_ms, head.id)
            return
        self._heads.drop(lane)
        opens_ms = lane.opens_ms(self._bound, now_ms)
        if opens_ms is None:
            self._refills.drop(lane)
        else:
            self._refills.put(lane, opens_ms)

    def _count(self, lane: Lane, size: int) -> None:
        opened = size if size <= lane.room else max(0, lane.room)
        held = 0 if opened else size
        self.due += size - lane.size
        self.open += opened - lane.open
        self.held += held - lane.held
        lane.size, lane.open, lane.held = size, opened, held

    def _rest(self, lane: Lane, now_ms: int) -> None:
        """Nobody stands in line: keep what runs, and a rate that is not full again."""
        if lane.running:
            self._idle.pop(lane, None)
        elif lane.is_full(self._bound, now_ms):
            self._forget(lane)
        else:
            self._idle.setdefault(lane)

    def _forget(self, lane: Lane) -> None:
        del self._lanes[lane.key]
        self._idle.pop(lane, None)
