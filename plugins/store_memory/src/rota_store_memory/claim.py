"""`claim`: hand due instances to a worker."""

from collections.abc import Sequence

from rota.model.records import Claim
from rota.store.contract import MAX_PROMOTED
from rota_store_memory.entry import CANCELED, PROCESSING
from rota_store_memory.leases import Lease
from rota_store_memory.moves import finish, move
from rota_store_memory.queue import KindQueue
from rota_store_memory.ready import merged
from rota_store_memory.space import Space

__all__ = ["claim", "has_work", "remember_nothing"]


def claim(space: Space, worker: str, seq: int, kinds: Sequence[str], limit: int, now_ms: int) -> list[Claim] | None:
    """Up to `limit` instances in ready order; None when there are none, and `seq` is not used up then.

    One step cancels at most `MAX_PROMOTED` that have expired: after None look again while `has_work`.

    A `seq` that was answered before gets its answer again; one older than that nothing.
    Raises: LeaseLost. O(kinds + limit * log n).
    """
    lease = space.leases.of(worker)
    if lease.seq is not None and seq <= lease.seq:
        return list(lease.answer) if seq == lease.seq else []
    queues = _promoted(space, kinds, now_ms)
    claims = _take(space, queues, worker, lease, limit, now_ms) if queues and limit > 0 else []
    if not claims:
        return None
    lease.seq, lease.answer = seq, claims
    return list(claims)


def remember_nothing(space: Space, worker: str, seq: int) -> None:
    """Keep that claim `seq` was answered with nothing."""
    lease = space.leases.live.get(worker)
    if lease is not None and (lease.seq is None or seq > lease.seq):
        lease.seq, lease.answer = seq, []


def has_work(space: Space, kinds: Sequence[str], now_ms: int) -> bool:
    """Whether a claim would find something."""
    return any(queue.has_due(now_ms) for queue in _open_queues(space, kinds))


def _promoted(space: Space, kinds: Sequence[str], now_ms: int) -> list[KindQueue]:
    """The queues of `kinds`, promoted, of which something may start, and that are not paused."""
    queues = _open_queues(space, kinds)
    for queue in queues:
        if len(queue.delayed) or queue.limits is not None:
            space.promote(queue, now_ms)
    return [queue for queue in queues if queue.startable()]


def _open_queues(space: Space, kinds: Sequence[str]) -> list[KindQueue]:
    """The queues of `kinds` that are there and not paused."""
    queues = space.queues
    if len(kinds) > len(queues):
        wanted = set(kinds)
        found = [queue for kind, queue in queues.items() if kind in wanted]
    else:
        found = [queues[kind] for kind in dict.fromkeys(kinds) if kind in queues]
    return [queue for queue in found if not queue.paused]


def _take(space: Space, queues: list[KindQueue], worker: str, lease: Lease, limit: int, now_ms: int) -> list[Claim]:
    claims: list[Claim] = []
    expired = 0
    held, token = lease.held, space.token
    by_kind = {queue.kind: queue for queue in queues}
    pop = merged([queue.order() for queue in queues])
    while len(claims) < limit and expired < MAX_PROMOTED and (entry := pop()) is not None:
        record = entry.record
        queue = by_kind[record.kind]
        first_start = not entry.token
        if first_start and entry.expires_ms is not None and entry.expires_ms <= now_ms:
            finish(space, queue, entry, CANCELED, now_ms, reason="expired")
            space.expiry.discard()
            expired += 1
            continue
        token += 1
        entry.token = token
        entry.attempt += 1
        entry.worker = worker
        entry.started_ms = now_ms
        entry.error = None
        move(space, queue, entry, PROCESSING, now_ms, worker)
        if first_start and entry.expires_ms is not None:
            space.expiry.discard()
        held[entry.id] = entry
        if record.unique_key is not None and record.unique_until == "started":
            queue.free(record.unique_key, entry.id)
        claims.append(Claim(record, token, entry.attempt, entry.due_ms, now_ms, entry.crashes))
    space.token = token
    for queue in queues:
        queue.ready.tidy()
    return claims
