"""`beat`, `retire`, `resize` and `reap`: who lives, and what becomes of what the others held."""

from typing import Final

import msgspec
from msgspec.structs import replace

from rota.model.records import BeatReply, Reaped, WorkerRecord
from rota_store_sqlite.entry import STATES, Entry, encode
from rota_store_sqlite.moves import crash, end_queued, release
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step
from rota_store_sqlite.topics import WORKER

__all__ = ["has_news", "live_workers", "reap", "renew", "resize", "retire", "standing_reply"]

_WORKER: Final = statements("worker")
_INSTANCE: Final = statements("instance")
_KEPT_DEAD: Final = 1_000  # reaped workers that are remembered, so that a beat of theirs is refused

_decode: Final = msgspec.msgpack.Decoder(WorkerRecord).decode


def renew(step: Step, worker: str, boot: str, lease_ms: int, info: WorkerRecord) -> None:
    """Make `worker` live until `lease_ms` from now; nothing when it was reaped."""
    known = step.one(_WORKER, "find", step.ns, worker)
    started_ms = step.now_ms if known is None else _decode(known[1]).started_ms
    stands = replace(info, id=worker, started_ms=started_ms, beat_ms=step.now_ms)
    step.connection.execute(_WORKER["renew"], (step.ns, worker, boot, step.mono_ms + lease_ms, encode(stands)))
    if known is not None and known[2] is not None and known[2] == info.concurrency:
        step.connection.execute(_WORKER["ask"], (None, step.ns, worker))


def has_news(step: Step, worker: str) -> bool:
    """Whether a beat need not wait: the worker is lost, or a request is new to it."""
    known = step.one(_WORKER, "find", step.ns, worker)
    return known is None or bool(known[0] or known[3])


def standing_reply(step: Step, worker: str) -> BeatReply:
    """The reply to a beat as things stand; its requests count as delivered."""
    known = step.one(_WORKER, "find", step.ns, worker)
    if known is None or known[0]:
        return BeatReply(lost=True)
    step.connection.execute(_WORKER["told"], (step.ns, worker))
    cancels = step.connection.execute(_INSTANCE["requested"], (step.ns, worker)).fetchall()
    return BeatReply(lost=False, cancels=tuple(one.hex() for (one,) in cancels), concurrency=known[2])


def resize(step: Step, worker: str, concurrency: int) -> bool:
    """Ask `worker` for so many slots; False when it is not live."""
    known = step.one(_WORKER, "find", step.ns, worker)
    if known is None or known[0]:
        return False
    asked = None if _decode(known[1]).concurrency == concurrency else concurrency
    step.connection.execute(_WORKER["ask"], (asked, step.ns, worker))
    step.rings |= WORKER
    return True


def live_workers(step: Step, boot: str) -> list[WorkerRecord]:
    """Those whose lease has not ended, by id."""
    rows = step.connection.execute(_WORKER["live"], (step.ns, boot, step.mono_ms)).fetchall()
    return [_decode(info) for (info,) in rows]


def retire(step: Step, worker: str) -> None:
    """Forget `worker`; what it holds goes back to the queue. O(held * log n)."""
    if step.one(_WORKER, "remove", step.ns, worker) is None:
        return
    for entry in step.entries("held", step.ns, worker):
        release(step, entry)
    step.rings |= WORKER


def reap(step: Step, boot: str, limit: int) -> list[Reaped]:
    """Mark the dead, then move up to `limit` instances: what the dead held, and what expired in the queue."""
    if step.connection.execute(_WORKER["bury"], (step.ns, boot, step.mono_ms)).fetchall():
        step.connection.execute(_WORKER["forget_dead"], (step.ns, _KEPT_DEAD))
        step.rings |= WORKER
    reaped: list[Reaped] = []
    for entry in step.entries("orphans", step.ns, limit):
        worker = entry.worker
        crash(step, entry)
        reaped.append(_reaped(step, entry, worker))
    for entry in step.entries("expired", step.ns, step.now_ms, limit - len(reaped)):
        if not entry.ended:  # with a parent that expired before it
            end_queued(step, entry, "expired")
            reaped.append(_reaped(step, entry, None))
    return reaped


def _reaped(step: Step, entry: Entry, worker: str | None) -> Reaped:
    kind = step.kind_of(entry).name
    return Reaped(entry.id.hex(), kind, STATES[entry.state], entry.reason or "canceled", worker)
