"""What holds instances of one kind back: the gate of the kind as a whole, and its lanes."""

from collections.abc import Iterable
from typing import Final

from rota.engine.limits import Bound, bounds
from rota.model.records import LimitRecord
from rota_store_memory.entry import PROCESSING, SCHEDULED, Entry
from rota_store_memory.lanes import Lanes
from rota_store_memory.ready import ReadyOrder
from rota_store_memory.use import Use

__all__ = ["KindLimits", "Startable"]

#: A clock that was set back by more than this, in milliseconds, has every refill worked out anew.
_SET_BACK_MS: Final = 1_000


class KindLimits:
    """The gate and the lanes of one kind. `moved` is the one place where claims are counted and given back."""

    __slots__ = ("_bound", "_gate", "_latest_ms", "lanes", "limits")

    def __init__(self, running: int) -> None:
        self.limits: tuple[LimitRecord, ...] = ()
        self.lanes = Lanes()
        self._bound = Bound()
        self._gate = Use(running)
        self._latest_ms = 0

    def bind(self, limits: Iterable[LimitRecord], now_ms: int) -> None:
        """Put other limits in place of those before; they hold at once. O(lanes * log lanes) when they differ."""
        changed = tuple(limits)
        if changed != self.limits:
            self.limits = changed
            gate, lane = bounds(changed)
            self._gate.write_down(self._bound)
            self._bound = Bound(gate)
            self._gate.look(self._bound, now_ms)
            self.lanes.bind(Bound(lane), now_ms)

    @property
    def open(self) -> bool:
        """Whether the gate lets one through."""
        return self._gate.room > 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to be remembered."""
        return not self.limits and not len(self.lanes)

    def startable(self, others: int) -> int:
        """How many may start, `others` being due without a lane. O(1)."""
        return max(0, min(self.lanes.open + others, self._gate.room))

    def held_back(self, others: int) -> int:
        """How many are due and may not start: those of lanes without room, all while the gate is shut. O(1)."""
        return self.lanes.held if self.open else self.lanes.due + others

    def moved(self, entry: Entry, before: object, now_ms: int) -> None:
        """`entry`, in the state `before` until now, has another. A claim starts here, and ends here, whatever became
        of it. O(log n)."""
        lane = entry.record.lane
        if before is SCHEDULED:
            started = entry.state is PROCESSING
            if started:
                self._gate.start(self._bound, now_ms)
            if lane is None or entry.delayed:
                return
            if started:
                self.lanes.started(lane, entry, now_ms)
            else:
                self.lanes.left(lane, entry, now_ms)
        elif before is PROCESSING:
            self._gate.end(self._bound)
            if lane is not None:
                self.lanes.ended(lane, now_ms)

    def refill(self, now_ms: int) -> None:
        """Take note of the time: what the rates let start now."""
        if now_ms < self._latest_ms - _SET_BACK_MS:
            self._latest_ms = now_ms
            self.lanes.review_all(now_ms)
        self._latest_ms = max(self._latest_ms, now_ms)
        self.lanes.refill(now_ms)
        self._gate.look(self._bound, now_ms)

    def refill_ms(self, others: int) -> int | None:
        """When time alone lets one more start, `others` being due without a lane; None when it does not."""
        if self.open:
            return self.lanes.refill_ms()
        opens_ms = self._gate.opens_ms(self._bound, self._latest_ms)
        return opens_ms if opens_ms is None or self.lanes.open + others > 0 else self.lanes.refill_ms()


class Startable:
    """The ready order of a kind with limits: while its gate is open, those without a lane and the heads of lanes."""

    __slots__ = ("_lanes", "_limits", "_ready")

    def __init__(self, ready: ReadyOrder, limits: KindLimits) -> None:
        self._ready = ready
        self._limits = limits
        self._lanes = limits.lanes

    def head(self) -> Entry | None:
        """The first that may start, left where it is."""
        if not self._limits.open:
            return None
        single, laned = self._ready.head(), self._lanes.head()
        if single is None or laned is None:
            return laned if single is None else single
        return min(single, laned)

    def pop(self) -> Entry | None:
        """The same, taken out; what becomes of it (`KindLimits.moved`) decides what comes next."""
        if not self._lanes.open:
            return self._ready.pop() if self._limits.open else None
        head = self.head()
        if head is None:
            return None
        return self._ready.pop() if head.record.lane is None else self._lanes.pop()
