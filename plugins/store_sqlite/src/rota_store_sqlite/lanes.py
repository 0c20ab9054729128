"""Lanes: of each only the first is ever ready, and only while its limit lets one start.

Whoever changes a lane notes it in the step; `settle_lanes` then gives each the head that it should have.
"""

from typing import Final

from rota_store_sqlite.entry import COUNTED_HELD, IN_LANE, READY
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Kind, Step
from rota_store_sqlite.topics import WORK

__all__ = ["lane_started", "settle_lanes"]

_LANE: Final = statements("lane")
_NAMESPACE: Final = statements("namespace")


def settle_lanes(step: Step) -> None:
    """Look at every lane that was noted. O(log n) each."""
    step.flush()
    kinds: dict[int, Kind] = {}
    while step.lanes:
        (kind_id, name), change = step.lanes.popitem()
        if kind_id not in kinds:
            kinds[kind_id] = Kind(*step.one(_NAMESPACE, "kind_by_id", kind_id))
        _settle(step, kinds[kind_id], name, change, starts=0)


def lane_started(step: Step, kind: Kind, name: str, starts: bool) -> tuple[int, int, bytes, int] | None:
    """Note that the head of a lane was taken, and started unless it had expired; the next head, as (rank, due, id,
    row), when one may start too."""
    step.flush()
    change = step.lanes.pop((kind.id, name), 0)
    return _settle(step, kind, name, change, starts=int(starts))


def _settle(step: Step, kind: Kind, name: str, change: int, starts: int) -> tuple[int, int, bytes, int] | None:
    """Give the lane its head, or none; answers a head that has just come in. What waits behind none is held back."""
    running, tat_us, waiting, held = step.one(_LANE, "find", kind.id, name) or (0, 0, 0, 0)
    running += change
    waiting += step.waiting.pop((kind.id, name), 0)
    bound, now_ms = kind.per_lane, step.now_ms
    if starts and bound.rate is not None:
        tat_us = bound.rate.after(tat_us, now_ms, starts)
    head, first = step.one(_LANE, "head", kind.id, name), step.one(_LANE, "first", kind.id, name)
    fresh, refill_ms, has_head = None, None, head is not None
    if bound.room(running, tat_us, now_ms) <= 0:
        waiting += _place(step, IN_LANE, head)
        has_head = False
        if head is not None or first is not None:
            refill_ms = bound.opens_ms(running, tat_us, now_ms)
    elif first is not None and (head is None or first[1:] < head[1:]):
        waiting += _place(step, IN_LANE, head) - _place(step, READY, first)
        has_head = True
        fresh = (*first[1:], first[0])
        step.rings |= WORK
    held_now = 0 if has_head else waiting
    step.counts[kind.id, COUNTED_HELD] += held_now - held
    idle = bound.rate is None or tat_us <= now_ms * 1000
    if running == 0 and idle and head is None and first is None:
        step.connection.execute(_LANE["remove"], (kind.id, name))
    else:
        step.connection.execute(_LANE["save"], (kind.id, name, running, tat_us, refill_ms, waiting, held_now))
    return fresh


def _place(step: Step, place: int, row: tuple[int, int, int, bytes] | None) -> int:
    """Put a row there; how many were put."""
    if row is None:
        return 0
    step.set_place(row[0], place)
    return 1
