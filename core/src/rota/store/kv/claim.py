"""`claim`: hand due instances to a worker."""

from collections.abc import Sequence

from rota.model.records import Claim
from rota.store.contract import MAX_PROMOTED
from rota.store.kv.entry import Claimed, Entry, Item, decode, encode
from rota.store.kv.keys import BEFORE_ALL, as_bytes, number, number_in, text
from rota.store.kv.moves import PROCESSING, SCHEDULED, end_queued, give_up_key, leave_order, move
from rota.store.kv.step import Step
from rota.store.ordered_kv import Found, Range
from rota.store.refusals import lease_lost

__all__ = ["bells", "claim", "due_in_ms", "promote", "remember_nothing", "replayed"]


def _orders(step: Step, names: Sequence[str], limit: int) -> list[list[Found]]:
    """Read ready order and the delayed that are due, of each kind, and what is kept of the kind."""
    ranges: list[Range] = []
    for name in names:
        delayed = step.keys.of(b"s", text(name))
        ranges.append(step.keys.under(step.keys.of(b"q", text(name)), limit))
        ranges.append(Range(delayed, delayed + number(step.now_ms + 1), MAX_PROMOTED))
    return step.load([step.keys.of(b"K", text(name)) for name in names], ranges)


def promote(step: Step, names: Sequence[str], most: int, left: dict[str, int]) -> bool:
    """Make ready up to `most` of what has become due, and of a kind no more than is `left` to it; whether any was."""
    moved = 0
    pages = _orders(step, names, 1)
    for name, page in zip(names, pages[1::2], strict=True):
        if step.kind(name).paused:
            continue
        head = len(step.keys.of(b"s", text(name)))
        for key, _, _ in page[: min(most - moved, left.get(name, MAX_PROMOTED))]:
            step.get(key)  # checked: who cancels it meanwhile takes it out here
            due_ms, rank = number_in(key, head), number_in(key, head + 8)
            step.delete(key)
            step.put(step.keys.ready(name, rank, due_ms, key[head + 16 :]))
            left[name] = left.get(name, MAX_PROMOTED) - 1
            moved += 1
    return moved > 0


def replayed(step: Step, worker: str, seq: int) -> list[Claim] | None:
    """What claim `seq` answered before; None when it is a new one. Raises: LeaseLost."""
    keys = step.keys.worker(b"w", worker), step.keys.worker(b"j", worker), step.keys.claim(worker, seq)
    step.load(keys)
    if step.get(keys[0]) is None:
        raise lease_lost(worker)
    last = step.get(keys[1])
    if last is None or decode.integer(last) < seq:
        return None
    value = step.get(keys[2]) if decode.integer(last) == seq else None
    if value is None:
        return []
    items = decode.claimed(value).items
    step.load([step.keys.instance(item.id) for item in items])
    revision = step.revision_of(keys[2])
    return [
        Claim(entry.record, item.token or revision, item.attempt, item.due_ms, item.started_ms, item.crashes)
        for item in items
        if (entry := step.entry(item.id)) is not None
    ]


def claim(step: Step, worker: str, seq: int, names: Sequence[str], limit: int) -> tuple[list[Entry], int]:
    """Take up to `limit` instances in ready order, and how many were met that could not start. Their token is the
    revision of the commit."""
    pages = _orders(step, names, limit + 1)
    heads: list[tuple[int, int, bytes, bytes]] = []
    for name, page in zip(names, pages[::2], strict=True):
        start = len(step.keys.of(b"q", text(name)))
        heads += [(number_in(key, start), number_in(key, start + 8), key[start + 16 :], key) for key, _, _ in page]
    heads = sorted(heads)[:limit]
    step.load(step.keys.instance(instance_id) for _, _, instance_id, _ in heads)
    chosen: list[Entry] = []
    passed = 0
    paused = {name for name in names if _peek_paused(step, name)}
    for _, _, instance_id, key in heads:
        entry = step.entry(instance_id)
        if entry is None or entry.state != SCHEDULED:
            step.delete(key)  # it can't be: a queued place goes with what made it one
            passed += 1
        elif entry.record.kind in paused:
            continue
        elif not entry.token and entry.expires_ms is not None and entry.expires_ms <= step.now_ms:
            end_queued(step, entry, "expired")
            passed += 1
        else:
            step.kind(entry.record.kind)  # checked: nobody pauses it meanwhile
            _begin(step, entry, worker, seq)
            chosen.append(entry)
    if chosen:
        _remember(step, worker, seq, chosen)
    return chosen, passed


def _peek_paused(step: Step, name: str) -> bool:
    return step.kind(name).paused


def _begin(step: Step, entry: Entry, worker: str, seq: int) -> None:
    leave_order(step, entry)
    entry.attempt += 1
    entry.worker = worker
    entry.seq = seq
    entry.started_ms = step.now_ms
    entry.error = None
    if entry.record.unique_until == "started":
        give_up_key(step, entry)
    move(step, entry, PROCESSING, worker)


def _remember(step: Step, worker: str, seq: int, chosen: list[Entry]) -> None:
    """Keep the answer for a lost reply, and drop that of the claim before when nothing of it is held any more."""
    _forget_last(step, worker)
    items = [
        Item(as_bytes(one.record.id), 0, one.attempt, one.due_ms, one.started_ms or 0, one.crashes) for one in chosen
    ]
    key = step.keys.claim(worker, seq)
    step.get(key)
    step.put(key, encode(Claimed(items, len(items))))
    step.put(step.keys.worker(b"j", worker), encode(seq))


def _forget_last(step: Step, worker: str) -> None:
    last = step.get(step.keys.worker(b"j", worker))
    if last is not None:
        key = step.keys.claim(worker, decode.integer(last))
        value = step.get(key)
        if value is not None and decode.claimed(value).left <= 0:
            step.delete(key)


def remember_nothing(step: Step, worker: str, seq: int) -> None:
    """Keep that claim `seq` was answered with nothing."""
    last = step.get(step.keys.worker(b"j", worker))
    if step.get(step.keys.worker(b"w", worker)) is not None and (last is None or decode.integer(last) < seq):
        _forget_last(step, worker)
        step.put(step.keys.worker(b"j", worker), encode(seq))


def bells(step: Step, names: Sequence[str]) -> list[bytes]:
    """What is put when a claim of these kinds may find something."""
    return [step.keys.of(letter, text(name)) for name in names for letter in (b"q", b"s", b"K")]


def due_in_ms(step: Step, names: Sequence[str]) -> int | None:
    """In how many milliseconds a claim of these kinds may find something by the passing of time alone; 0: now."""
    ranges = [step.keys.under(step.keys.of(letter, text(name)), 1) for name in names for letter in (b"q", b"s")]
    pages = step.load([step.keys.of(b"K", text(name)) for name in names], ranges)
    soonest: list[int] = []
    for at, name in enumerate(names):
        if step.kind(name).paused:
            continue
        ready, delayed = pages[2 * at : 2 * at + 2]
        soonest += [BEFORE_ALL for _ in ready]
        soonest += [number_in(key, len(step.keys.of(b"s", text(name)))) for key, _, _ in delayed]
    return max(0, min(soonest) - step.now_ms) if soonest else None
