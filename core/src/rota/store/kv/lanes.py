"""Lanes: of each only the first is ever in the ready order, and only while its limit lets one start.

All that waits in a lane stands in its own order; its head stands in the ready order as well. Whoever changes a lane
does so through `Lane`, which checks and puts the lane's key: so all changes of one lane come one after the other.
"""

from bisect import insort
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rota.engine.limits import Bound, bounds
from rota.model.records import LimitRecord
from rota.store.histories import STATES
from rota.store.kv.entry import KindState, LaneState, decode, encode
from rota.store.kv.keys import number, text
from rota.store.kv.step import Step
from rota.store.ordered_kv import Range

__all__ = ["HELD", "Lane", "gate_of", "lane_of", "load_lanes", "settle_lanes"]

HELD: Final = len(STATES)  #: among the numbers of a kind: how many wait in lanes that let none start
_PAGE: Final = 4
_ID: Final = 16


class Lane:
    """One lane in one step. A `place` is the part of a key that sorts: rank, due time, id."""

    def __init__(self, step: Step, kind: str, name: str) -> None:
        self.step = step
        self.kind = kind
        self.name = name
        self.key = step.keys.of(b"n", text(kind), text(name))
        self._prefix = step.keys.of(b"p", text(kind), text(name))
        self._stored: list[bytes] = []
        self._beyond = b""
        self._complete = False
        self._added: list[bytes] = []
        self._removed: set[bytes] = set()
        self._read: LaneState | None = None

    @property
    def state(self) -> LaneState:
        """What is kept of the lane, as this step leaves it."""
        if self._read is None:
            value = self.step.get(self.key)
            self._read = LaneState(self.name) if value is None else decode.lane(value)
        return self._read

    def page(self, limit: int = _PAGE) -> Range:
        """The next places to be read."""
        return self.step.keys.under(self._prefix, limit, beyond=self._beyond)

    def fill(self, keys: list[bytes], limit: int = _PAGE) -> None:
        """Take what was read of that page."""
        self._beyond = keys[-1] if keys else self._beyond
        self._stored += [key for key in keys if key not in self._removed]
        self._complete = len(keys) < limit

    def load_ahead(self, instance_id: bytes) -> None:
        """Read the instances of all places read so far, when that of the head was not."""
        if not self.step.knows(self.step.keys.instance(instance_id)):
            self.step.load(self.step.keys.instance(key[-_ID:]) for key in self._stored)

    def add(self, place: bytes) -> None:
        """Let one wait here."""
        key = self._prefix + place
        insort(self._added, key)
        self.step.put(key)
        self.state.waiting += 1

    def remove(self, place: bytes) -> None:
        """Let one wait here no more; nothing when it does not."""
        key = self._prefix + place
        if key in self._added:
            self._added.remove(key)
        elif key in self._stored:
            self._stored.remove(key)
        elif key in self._removed or self.step.peek(key) is None:
            return
        self._removed.add(key)
        self.step.delete(key)
        self.state.waiting -= 1

    def start(self) -> None:
        """Count one that starts."""
        rate = self._bound.rate
        self.state.running += 1
        if rate is not None:
            self.state.tat_us = rate.after(self.state.tat_us, self.step.now_ms)

    def end(self) -> None:
        """Count one that runs no more."""
        self.state.running -= 1

    @property
    def has_room(self) -> bool:
        """Whether one may start."""
        return self._bound.room(self.state.running, self.state.tat_us, self.step.now_ms) > 0

    @property
    def _bound(self) -> Bound:
        return _bounds(_limits(self.step.kind(self.kind)))[1]

    def first(self) -> bytes | None:
        """The first place; None when nothing waits."""
        limit = _PAGE
        while not self._stored and not self._complete:
            limit *= 4
            (found,) = self.step.load((), [self.page(limit)])
            self.fill([key for key, _, _ in found], limit)
        waiting = [*self._added[:1], *self._stored[:1]]
        return min(waiting)[len(self._prefix) :] if waiting else None

    def regard(self) -> bytes | None:
        """Give the lane the head that it should have; a head that has just come in."""
        state, first, fresh = self.state, self.first(), None
        head = first if first is not None and self.has_room else None
        if head != state.head:
            if state.head is not None:
                self.step.delete(self._ready(state.head))
            if head is not None:
                self.step.put(self._ready(head), encode(self.name))
            state.head = fresh = head
        self._set_timer(self._timer_ms(first))
        return fresh

    def save(self) -> None:
        """Write what is kept of the lane, if anything."""
        state = self.state
        held = 0 if state.head is not None else state.waiting
        self.step.counts[self.kind, HELD] += held - state.held
        state.held = held
        if state.running or state.waiting or state.timer_ms is not None:
            self.step.put(self.key, encode(state))
        else:
            self.step.delete(self.key)

    def _ready(self, place: bytes) -> bytes:
        return self.step.keys.of(b"q", text(self.kind)) + place

    def _timer_ms(self, first: bytes | None) -> int | None:
        """When to look again: as the next may start; with nothing there, as nothing needs to be kept any more."""
        state, now_ms = self.state, self.step.now_ms
        if first is not None:
            return None if state.head is not None else self._bound.opens_ms(state.running, state.tat_us, now_ms)
        if state.running or self._bound.rate is None or state.tat_us <= now_ms * 1000:
            return None
        return -(-self._bound.rate.standing(state.tat_us, now_ms) // 1000)

    def _set_timer(self, timer_ms: int | None) -> None:
        state = self.state
        if timer_ms == state.timer_ms:
            return
        if state.timer_ms is not None:
            self.step.delete(self._timer(state.timer_ms))
        if timer_ms is not None:
            self.step.put(self._timer(timer_ms), encode(self.name))
        state.timer_ms = timer_ms

    def _timer(self, at_ms: int) -> bytes:
        return self.step.keys.of(b"t", text(self.kind), number(at_ms), text(self.name))


def lane_of(step: Step, kind: str, name: str) -> Lane:
    """The lane of that name, to be changed; one object for the whole step, at the end of which it is looked at."""
    found = step.lanes.get((kind, name))
    if found is None:
        load_lanes(step, [(kind, name)])
        found = step.lanes[kind, name] = step.read_lanes[kind, name]
    return found


def load_lanes(step: Step, names: Iterable[tuple[str, str]], others: Iterable[bytes] = (), ahead: int = _PAGE) -> None:
    """Read many lanes, each with `ahead` of what waits first, and `others`, in one round trip."""
    wanted = [Lane(step, *name) for name in dict.fromkeys(names) if name not in step.read_lanes]
    keys = [key for lane in wanted for key in (lane.key, step.keys.of(b"K", text(lane.kind)))]
    pages = step.load([*keys, *others], [lane.page(ahead) for lane in wanted])
    for lane, page in zip(wanted, pages, strict=True):
        lane.fill([key for key, _, _ in page], ahead)
        step.read_lanes[lane.kind, lane.name] = lane


def settle_lanes(step: Step) -> None:
    """Give every lane that was changed its head, and write it."""
    for lane in step.lanes.values():
        lane.regard()
        lane.save()


def gate_of(kind: KindState) -> Bound | None:
    """The bound on a kind as a whole."""
    return _bounds(_limits(kind))[0]


def _limits(kind: KindState) -> tuple[LimitRecord, ...]:
    return () if kind.descriptor is None else kind.descriptor.limits


@lru_cache(1024)
def _bounds(limits: tuple[LimitRecord, ...]) -> tuple[Bound | None, Bound]:
    gate, lane = bounds(limits)
    return None if gate is None else Bound(gate), Bound(lane)
