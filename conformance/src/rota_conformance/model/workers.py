"""The workers of the model: beats, ends of leases, reaping, retiring."""

from msgspec.structs import replace

from rota.model.records import BeatReply, Reaped, WorkerRecord
from rota.model.state import State
from rota_conformance.model.book import Book, Working

__all__ = ["beat", "living", "reap", "resize", "retire"]


def beat(book: Book, worker: str, lease_ms: int, info: WorkerRecord, now_ms: int, monotonic_ms: int) -> BeatReply:
    """Make it live or renew its lease; what it was asked. Nothing comes back from the dead."""
    if worker in book.dead:
        return BeatReply(lost=True)
    known = book.workers.setdefault(worker, Working(replace(info, started_ms=now_ms), 0))
    known.info = replace(info, id=worker, started_ms=known.info.started_ms, beat_ms=now_ms)
    known.lease_end_ms = monotonic_ms + lease_ms
    known.asked = None if known.asked == info.concurrency else known.asked
    cancels = tuple(one.id for one in book.held_by(worker) if one.cancel_requested)
    return BeatReply(lost=False, cancels=cancels, concurrency=known.asked)


def living(book: Book, monotonic_ms: int) -> list[WorkerRecord]:
    """Those whose lease has not ended, by id."""
    return [one.info for _, one in sorted(book.workers.items()) if one.lease_end_ms > monotonic_ms]


def resize(book: Book, worker: str, concurrency: int, monotonic_ms: int) -> bool:
    """Ask for so many slots."""
    if worker not in [one.id for one in living(book, monotonic_ms)]:
        return False
    known = book.workers[worker]
    known.asked = None if known.info.concurrency == concurrency else concurrency
    return True


def retire(book: Book, worker: str, now_ms: int) -> None:
    """Forget it and release what it holds."""
    if book.workers.pop(worker, None) is not None:
        for one in book.held_by(worker):
            book.release(one, now_ms)


def reap(book: Book, limit: int, now_ms: int, monotonic_ms: int) -> list[Reaped]:
    """Bury the dead; then take back what they held, and cancel what expired in the queue."""
    for worker in [name for name, one in book.workers.items() if one.lease_end_ms <= monotonic_ms]:
        for one in book.held_by(worker):
            one.orphan = True
        del book.workers[worker]
        book.dead.add(worker)
    reaped: list[Reaped] = []
    for one in sorted(book.instances.values(), key=lambda one: one.id):
        if len(reaped) < limit and one.orphan:
            worker = one.worker or ""
            book.crash(one, now_ms)
            reaped.append(Reaped(one.id, one.kind, one.state, one.reason or "canceled", worker))
        elif len(reaped) < limit and one.may_expire(now_ms):
            book.end(one, State.CANCELED, now_ms, reason="expired")
            reaped.append(Reaped(one.id, one.kind, State.CANCELED, "expired"))
    return reaped
