"""All instances of one kind: the two orders that `claim` takes from, and what finds and counts them."""

from typing import Final

from rota.model.state import State
from rota.store.contract import MAX_PROMOTED
from rota_store_memory.due_heap import DueHeap
from rota_store_memory.ended import Ended
from rota_store_memory.entry import Entry
from rota_store_memory.index import IdIndex
from rota_store_memory.ready import ReadyOrder

__all__ = ["KindQueue"]

_STATES: Final = tuple(State)


class KindQueue:
    """One kind. `ready` holds what is due, in ready order, `delayed` what is not due yet."""

    __slots__ = ("counts", "delayed", "ended", "kind", "live", "paused", "ready", "unique")

    def __init__(self, kind: str) -> None:
        self.kind = kind
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
            entry.delayed = False
            self.ready.push(entry)
            return True
        entry.delayed = True
        return self.delayed.push(entry.due_ms, entry)

    def drop(self, entry: Entry) -> None:
        """Note that a queued entry has just ended where it stands."""
        if entry.delayed:
            entry.delayed = False
            self.delayed.discard()
        else:
            self.ready.discard()

    def has_due(self, now_ms: int) -> bool:
        """Whether something is ready, or would be once promoted."""
        next_ms = self.delayed.next_ms()
        return len(self.ready) > 0 or (next_ms is not None and next_ms <= now_ms)

    def promote(self, now_ms: int) -> int:
        """Make ready what has become due, at most `MAX_PROMOTED`; how many there were. O(log n) each."""
        for promoted in range(MAX_PROMOTED):
            entry = self.delayed.pop_due(now_ms)
            if entry is None:
                return promoted
            entry.delayed = False
            self.ready.push(entry)
        return MAX_PROMOTED

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
