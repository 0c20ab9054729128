"""`cancel`: end what is queued, ask the worker of what is running."""

from collections.abc import Sequence

from rota.model.state import State
from rota.store.contract import CancelAnswer
from rota_store_memory.entry import CANCELED, PROCESSING, SCHEDULED, Entry
from rota_store_memory.moves import finish
from rota_store_memory.queue import KindQueue
from rota_store_memory.space import Space

__all__ = ["cancel", "end_queued"]


def cancel(space: Space, ids: Sequence[str], where: frozenset[State] | None, now_ms: int) -> list[CancelAnswer]:
    """Cancel each of `ids` whose state is in `where`. O(1) each, amortized."""
    return [_cancel(space, space.entries.get(instance_id), where, now_ms) for instance_id in ids]


def _cancel(space: Space, entry: Entry | None, where: frozenset[State] | None, now_ms: int) -> CancelAnswer:
    if entry is None:
        return "missing"
    if entry.ended:
        return "final"
    if where is not None and entry.state not in where:
        return "changed"
    if entry.state is PROCESSING:
        _request(space, entry)
        return "requested"
    end_queued(space, space.queue_of(entry), entry, now_ms)
    if entry.expires_ms is not None and not entry.token:
        space.expiry.discard()
    return "canceled"


def end_queued(space: Space, queue: KindQueue, entry: Entry, now_ms: int, reason: str | None = None) -> None:
    """Make a queued `entry`, or one that waits for its parents, CANCELED where it stands."""
    queued = entry.state is SCHEDULED
    finish(space, queue, entry, CANCELED, now_ms, reason=reason)
    if queued:
        queue.drop(entry)


def _request(space: Space, entry: Entry) -> None:
    if entry.cancel_requested or entry.worker is None:
        return
    entry.cancel_requested = True
    lease = space.leases.live.get(entry.worker)
    if lease is not None:
        lease.cancels[entry.id] = None
        lease.undelivered = True
        space.beats.call(entry.worker)
