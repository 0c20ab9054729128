"""Who lives, what they are asked for, and what becomes of what the others held."""

from typing import Final

from msgspec.structs import replace

from rota.model.records import BeatReply, Reaped, WorkerRecord
from rota.store.histories import STATES
from rota.store.kv.entry import Beat, Entry, decode, encode
from rota.store.kv.keys import Keys, number, number_in, text
from rota.store.kv.moves import CREATED, PROCESSING, SCHEDULED, crash, end_queued, release
from rota.store.kv.settle import SETTLE_OPS, load_for_end
from rota.store.kv.skew import skew_ms
from rota.store.kv.step import Step
from rota.store.ordered_kv import Range

__all__ = [
    "CRASHED", "RELEASED", "beats", "bells", "bury", "expire", "forget_old_dead", "gone", "has_news", "renew", "resize",
    "skew_of", "standing_reply", "take_back", "unregister",
]  # fmt: skip

CRASHED: Final = b"crashed"
RELEASED: Final = b"released"
_KEPT_DEAD: Final = 1_000  # reaped workers that are remembered, so that a beat of theirs is refused
_MANY: Final = 10_000


def renew(step: Step, worker: str, boot: str, clock: str, lease_ms: int, info: WorkerRecord) -> None:
    """Make `worker` live until `lease_ms` from now; nothing when it was reaped. The key that claims check is put once
    in a life, so that no beat breaks a claim."""
    life, beat, asked, dead = (step.keys.worker(letter, worker) for letter in (b"w", b"b", b"a", b"d"))
    step.load([life, beat, asked, dead])
    if step.get(dead) is not None:
        return
    known, since = step.get(beat), step.get(life)
    started_ms = step.now_ms if since is None else decode.integer(since)
    if since is None:
        step.put(life, encode(started_ms))
    stands = replace(info, id=worker, started_ms=started_ms, beat_ms=step.now_ms)
    until_ms = (step.mono_ms if clock == "host" else step.now_ms) + lease_ms
    n = 1 if known is None else decode.beat(known).n + 1
    step.put(beat, encode(Beat(stands, lease_ms, until_ms, boot, n)))
    wish = step.get(asked)
    if wish is not None and decode.counts(wish)[1][0] == info.concurrency:
        step.delete(asked)


def has_news(step: Step, worker: str) -> bool:
    """Whether a beat need not wait: the worker is lost, or a request is new to it."""
    asked = step.keys.worker(b"a", worker)
    page = step.page(_requests(step, worker), asked, step.keys.worker(b"w", worker))
    wish = step.get(asked)
    if step.get(step.keys.worker(b"w", worker)) is None or any(not decode.flag(value) for _, value, _ in page):
        return True
    return wish is not None and not decode.counts(wish)[1][1]


def bells(keys: Keys, worker: str) -> list[bytes]:
    """What is put when a beat has news."""
    return [keys.worker(letter, worker) for letter in (b"r", b"a", b"d", b"g")]


def standing_reply(step: Step, worker: str) -> BeatReply:
    """The reply to a beat as things stand; its requests count as delivered, as many as a step takes."""
    asked = step.keys.worker(b"a", worker)
    page = step.page(_requests(step, worker), asked, step.keys.worker(b"w", worker))
    if step.get(step.keys.worker(b"w", worker)) is None:
        return BeatReply(lost=True)
    for key, value, _ in page:
        if not decode.flag(value) and step.fits(8) and step.get(key) is not None:
            step.put(key, encode(True))
    wish = step.get(asked)
    concurrency = None
    if wish is not None:
        concurrency, told = decode.counts(wish)[1]
        if not told:
            step.put(asked, encode(("", [concurrency, 1])))
    start = len(step.keys.request(worker, b""))
    return BeatReply(lost=False, cancels=tuple(key[start:].hex() for key, _, _ in page), concurrency=concurrency)


def _requests(step: Step, worker: str) -> Range:
    return step.keys.under(step.keys.request(worker, b""), _MANY)


def resize(step: Step, worker: str, concurrency: int) -> bool:
    """Ask `worker` for so many slots; False when it is not live."""
    asked = step.keys.worker(b"a", worker)
    value = step.get(step.keys.worker(b"b", worker))
    if value is None:
        return False
    if decode.beat(value).info.concurrency == concurrency:
        step.delete(asked)
    else:
        step.put(asked, encode(("", [concurrency, 0])))
    return True


def beats(step: Step) -> list[tuple[bytes, Beat, int]]:
    """The last beat of each worker that was not reaped, with its key and revision."""
    page = step.page(step.keys.under(step.keys.of(b"b"), _MANY))
    return [(key, decode.beat(value), revision) for key, value, revision in page]


def skew_of(step: Step, worker: str) -> int:
    """How far the clocks of the other workers are ahead of this one's, which is about to send a beat."""
    own: tuple[Beat, int] | None = None
    others: list[tuple[Beat, int]] = []
    for _, beat, revision in beats(step):
        if beat.info.id == worker:
            own = beat, revision
        else:
            others.append((beat, revision))
    return skew_ms(step.now_ms, own, others)


def unregister(step: Step, worker: str, why: bytes) -> bool:
    """Forget `worker`, and note that what it holds is to be taken back; False when it is not there."""
    keys = [step.keys.worker(letter, worker) for letter in (b"w", b"b", b"a", b"j")]
    step.load(keys)
    if step.get(keys[0]) is None:
        return False
    step.get(keys[1])  # checked: it has not renewed meanwhile
    for key in keys:
        step.delete(key)
    step.put(step.keys.worker(b"g", worker), encode((worker, why.decode())))
    return True


def bury(step: Step, worker: str, n: int) -> None:
    """Mark `worker` as dead, unless it has sent another beat than its `n`th: from now on its claims, beats and settles
    are refused."""
    value = step.get(step.keys.worker(b"b", worker))
    if value is not None and decode.beat(value).n == n and unregister(step, worker, CRASHED):
        step.put(step.keys.worker(b"d", worker), encode(step.now_ms))


def forget_old_dead(step: Step) -> None:
    """Keep no more of the dead than is needed to refuse a late beat."""
    (page,) = step.load((), [step.keys.under(step.keys.of(b"d"), _MANY)])
    oldest = sorted(page, key=lambda found: found.revision)[: max(0, len(page) - _KEPT_DEAD)]
    for key, _, _ in oldest[:50]:
        step.delete(key)


def gone(step: Step) -> list[tuple[str, bytes]]:
    """Workers that are gone and may still hold something, and how that goes back."""
    (page,) = step.load((), [step.keys.under(step.keys.of(b"g"), _MANY)])
    found = (decode.gone(value) for _, value, _ in page)
    return [(worker, why.encode()) for worker, why in found]


def take_back(step: Step, worker: str, why: bytes, limit: int) -> tuple[list[Reaped], bool]:
    """Take back of what a worker held that is gone as much as a step takes, up to `limit`; whether that was all."""
    prefix = step.keys.of(b"c", text(worker))
    (page,) = step.load((), [step.keys.under(prefix, 1)])
    if not page:
        step.get(step.keys.worker(b"g", worker))
        step.delete(step.keys.worker(b"g", worker))
        return [], True
    key, value, _ = page[0]
    claimed = decode.claimed(value)
    seq = number_in(key, len(prefix))
    load_for_end(step, [item.id for item in claimed.items])
    reaped: list[Reaped] = []
    for instance_id in (item.id for item in claimed.items):
        held = step.peek_entry(instance_id)
        if held is None or held.state != PROCESSING or held.worker != worker or held.seq != seq:
            continue
        if len(reaped) >= limit or (reaped and not step.fits(SETTLE_OPS)):
            return reaped, False
        entry = step.entry(instance_id)
        if entry is not None:
            (crash if why == CRASHED else release)(step, entry)
            reaped.append(_reaped(entry, worker))
    step.get(key)
    step.delete(key)
    return reaped, False


def expire(step: Step, limit: int) -> list[Reaped]:
    """Cancel up to `limit` of what expired in the queue and was never claimed, as many as a step takes."""
    start = step.keys.of(b"x")
    most = min(limit, step.kv.max_ops)
    page = step.load((), [Range(start, start + number(step.now_ms + 1), most)])[0] if limit > 0 else []
    load_for_end(step, [key[len(start) + 8 :] for key, _, _ in page])
    reaped: list[Reaped] = []
    for key, _, _ in page:
        if not step.is_empty and not step.fits(SETTLE_OPS):
            break
        entry = step.entry(key[len(start) + 8 :])
        step.delete(key)
        if entry is not None and entry.state in (CREATED, SCHEDULED) and not entry.token:
            end_queued(step, entry, "expired")
            reaped.append(_reaped(entry, None))
    return reaped


def _reaped(entry: Entry, worker: str | None) -> Reaped:
    return Reaped(entry.record.id, entry.record.kind, STATES[entry.state], entry.reason or "canceled", worker)
