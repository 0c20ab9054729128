"""`beat`, `retire` and `reap`: who lives, and what becomes of what the others held."""

from msgspec.structs import replace

from rota.model.records import BeatReply, Reaped, WorkerRecord
from rota_store_memory.cancel import end_queued
from rota_store_memory.entry import CANCELED
from rota_store_memory.leases import Lease
from rota_store_memory.moves import crash, release
from rota_store_memory.space import Space

__all__ = ["news", "reap", "renew", "resize", "retire", "standing_reply"]


def renew(space: Space, worker: str, lease_ms: int, info: WorkerRecord, now_ms: int, monotonic_ms: int) -> None:
    """Make `worker` live until `lease_ms` from now; nothing when it was reaped."""
    leases = space.leases
    if worker in leases.spent:
        return
    lease = leases.live.get(worker)
    if lease is None:
        lease = leases.live[worker] = Lease(replace(info, id=worker, started_ms=now_ms))
    lease.info = replace(info, id=worker, started_ms=lease.info.started_ms, beat_ms=now_ms)
    lease.end_ms = monotonic_ms + lease_ms
    if lease.asked == info.concurrency:
        lease.asked = None


def resize(space: Space, worker: str, concurrency: int, monotonic_ms: int) -> bool:
    """Ask `worker` for so many slots; False when it is not live."""
    lease = space.leases.live.get(worker)
    if lease is None or lease.end_ms <= monotonic_ms:
        return False
    lease.asked = None if lease.info.concurrency == concurrency else concurrency
    lease.undelivered = True
    space.beats.call(worker)
    return True


def news(space: Space, worker: str) -> BeatReply | None:
    """The reply to a beat that need not wait: the worker is lost, or a request is new to it."""
    lease = space.leases.live.get(worker)
    return standing_reply(space, worker) if lease is None or lease.undelivered else None


def standing_reply(space: Space, worker: str) -> BeatReply:
    """The reply to a beat as things stand; its requests count as delivered."""
    lease = space.leases.live.get(worker)
    if lease is None:
        return BeatReply(lost=True)
    lease.undelivered = False
    return BeatReply(lost=False, cancels=tuple(lease.cancels), concurrency=lease.asked)


def retire(space: Space, worker: str, now_ms: int) -> None:
    """Forget `worker`; what it holds goes back to the queue. O(held * log n)."""
    lease = space.leases.live.pop(worker, None)
    space.waiters.forget(worker)
    if lease is not None:
        for entry in lease.held.values():
            release(space, space.queue_of(entry), entry, now_ms)


def reap(space: Space, limit: int, now_ms: int, monotonic_ms: int) -> list[Reaped]:
    """Mark the dead, then move up to `limit` instances: what the dead held, and what expired in the queue."""
    for worker in space.leases.bury_dead(monotonic_ms):
        space.waiters.forget(worker)
    reaped = _take_back(space, limit, now_ms)
    space.refill(now_ms)
    return reaped + _expire(space, limit - len(reaped), now_ms)


def _take_back(space: Space, limit: int, now_ms: int) -> list[Reaped]:
    reaped: list[Reaped] = []
    orphans = space.leases.orphans
    while orphans and len(reaped) < limit:
        entry = orphans.popleft()
        worker, kind = entry.worker, entry.record.kind
        crash(space, space.queue_of(entry), entry, now_ms)
        reaped.append(Reaped(entry.id, kind, entry.state, entry.reason or "canceled", worker))
    return reaped


def _expire(space: Space, limit: int, now_ms: int) -> list[Reaped]:
    reaped: list[Reaped] = []
    while len(reaped) < limit and (entry := space.expiry.pop_due(now_ms)) is not None:
        end_queued(space, space.queue_of(entry), entry, now_ms, "expired")
        reaped.append(Reaped(entry.id, entry.record.kind, CANCELED, "expired"))
    return reaped
