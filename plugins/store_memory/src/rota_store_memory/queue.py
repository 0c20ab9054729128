"""All instances of one kind: the two orders that `claim` takes from, and what finds and counts them."""

from typing import Final

from rota.model.state import State
from rota.store.contract import MAX_PROMOTED
from rota_store_memory.due_heap import DueHeap
from rota_store_memory.ended import Ended
from rota_store_memory.entry import PROCESSING, Entry
from rota_store_memory.index import IdIndex
from rota_store_memory.limits import KindLimits, Startable
from rota_store_memory.ready import Order, ReadyOrder

__all__ = ["KindQueue"]

_STATES: Final = tuple(State)


class KindQueue:
    """One kind. `ready` holds what is due and has no lane, in ready order, `delayed` what is not due yet; `limits`,
    where there are some, or lanes, holds what is due in lanes."""

    __slots__ = ("counts", "delayed", "ended", "kind", "limits", "live", "paused", "ready", "unique")

    def __init__(self, kind: str, limits: KindLimits | None = None) -> None:
        self.kind = kind
        self.limits = limits
        self.paused = False
        self.ready = ReadyOrder()
        self.delayed = DueHeap(_delayed)
        self.live = IdIndex(_living)
        self.ended: dict[State, Ended] = {}
        self.counts = dict.fromkeys(_STATES, 0)
        self.unique: dict[str, str] = {}

    def push(self, entry: Entry, now_ms: int) -> bool:
        """Queue `entry` by its due time; True when something changed for those who wait for this kind:
        it is ready, or the earliest of the delayed. O(log n)."""
        if entry.due_ms <= now_ms:
            self._stand(entry, now_ms)
            return True
        entry.delayed = True
        return self.delayed.push(entry.due_ms, entry)

    def drop(self, entry: Entry) -> None:
        """Note that a queued entry has just ended where it stands; its lane knows that by the change of its state."""
        if entry.delayed:
            entry.delayed = False
            self.delayed.discard()
        elif entry.record.lane is None:
            self.ready.discard()

    def order(self) -> Order:
        """What a claim takes from: what may start, in ready order."""
        return self.ready if self.limits is None else Startable(self.ready, self.limits)

    def startable(self) -> int:
        """How many of the due may start, by the time last taken note of."""
        ready = len(self.ready)
        return ready if self.limits is None else self.limits.startable(ready)

    def held_back(self) -> int:
        """How many of the due may not start."""
        return 0 if self.limits is None else self.limits.held_back(len(self.ready))

    def has_due(self, now_ms: int) -> bool:
        """Whether something may start, or might once promoted."""
        if self.limits is not None:
            self.limits.refill(now_ms)
        next_ms = self.delayed.next_ms()
        return self.startable() > 0 or (next_ms is not None and next_ms <= now_ms)

    def next_ms(self) -> int | None:
        """When time alone brings more: the next of the delayed, or the next that a rate lets go."""
        next_ms = self.delayed.next_ms()
        refill_ms = None if self.limits is None else self.limits.refill_ms(len(self.ready))
        if next_ms is None or refill_ms is None:
            return refill_ms if next_ms is None else next_ms
        return min(next_ms, refill_ms)

    def promote(self, now_ms: int) -> int:
        """Make ready what has become due, at most `MAX_PROMOTED`; how many there were. O(log n) each."""
        if self.limits is not None:
            self.limits.refill(now_ms)
        for promoted in range(MAX_PROMOTED):
            entry = self.delayed.pop_due(now_ms)
            if entry is None:
                return promoted
            self._stand(entry, now_ms)
        return MAX_PROMOTED

    def _stand(self, entry: Entry, now_ms: int) -> None:
        """Let a due entry stand in line."""
        entry.delayed = False
        lane = entry.record.lane
        if lane is None:
            self.ready.push(entry)
            return
        if self.limits is None:
            self.limits = KindLimits(self.counts[PROCESSING])
        self.limits.lanes.push(lane, entry, now_ms)

    def ended_in(self, state: State) -> Ended:
        """The finished instances in the final `state`."""
        ended = self.ended.get(state)
        if ended is None:
            ended = self.ended[state] = Ended()
        return ended

    def free(self, key: str, instance_id: str) -> None:
        """Let another instance have the unique key that `instance_id` may hold."""
        if self.unique.get(key) == instance_id:
            del self.unique[key]

    def total(self) -> int:
        """How many instances there are, in whatever state."""
        return sum(self.counts.values())


def _delayed(entry: Entry) -> bool:
    return entry.delayed


def _living(entry: Entry) -> bool:
    return entry.ended_ms is None
