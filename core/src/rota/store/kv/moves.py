"""Every change of an instance's state: record, history, counters, and its place in the orders, in one step."""

from rota.engine.settlement import Settlement, crashed, released
from rota.model.records import ErrorRecord
from rota.model.state import State
from rota.store.histories import NUMBER, add_to_history
from rota.store.kv.entry import Claimed, Entry, decode, encode
from rota.store.kv.keys import PARTS, as_bytes, number, text
from rota.store.kv.lanes import lane_of
from rota.store.kv.step import Step

__all__ = [
    "CANCELED", "CREATED", "PROCESSING", "SCHEDULED", "apply", "crash", "end_queued", "finish", "give_up_key",
    "is_asked", "leave_order", "let_in", "move", "place", "place_of", "release", "requeue",
]  # fmt: skip

SCHEDULED, PROCESSING = NUMBER[State.SCHEDULED], NUMBER[State.PROCESSING]
CREATED, CANCELED = NUMBER[State.CREATED], NUMBER[State.CANCELED]


def move(
    step: Step,
    entry: Entry,
    state: int,
    worker: str | None = None,
    reason: str | None = None,
    error: ErrorRecord | None = None,
) -> None:
    """Put `entry` into `state`."""
    kind = entry.record.kind
    step.counts[kind, entry.state] -= 1
    step.counts[kind, state] += 1
    lane = entry.record.lane
    if entry.state == PROCESSING:
        _let_go(step, entry)
        if lane is not None:
            lane_of(step, kind, lane).end()
    elif state == PROCESSING and lane is not None:
        lane_of(step, kind, lane).start()
    entry.state = state
    entry.reason = reason
    add_to_history(entry, step.now_ms, worker, reason, error)
    instance_id = as_bytes(entry.record.id)
    step.note_change(instance_id, entry, worker, reason, error)
    step.touch(instance_id, entry)


def _let_go(step: Step, entry: Entry) -> None:
    """Take an instance off the claim that holds it; the claim goes with its last one, unless it is the worker's last:
    then it may be asked for again."""
    worker = entry.worker or ""
    key = step.keys.claim(worker, entry.seq)
    value, revision = step.get(key), step.revision_of(key)
    step.delete(step.keys.request(worker, as_bytes(entry.record.id)))
    if value is None:
        return
    claimed: Claimed = decode.claimed(value)
    for item in claimed.items:
        item.token = item.token or revision
    claimed.left -= 1
    last = step.get(step.keys.worker(b"j", worker))
    if claimed.left <= 0 and (last is None or decode.integer(last) != entry.seq // PARTS):
        step.delete(key)
    else:
        step.put(key, encode(claimed))


def place(step: Step, entry: Entry) -> None:
    """Queue `entry` by its due time: delayed, ready, or waiting in its lane."""
    record, instance_id = entry.record, as_bytes(entry.record.id)
    if entry.due_ms > step.now_ms:
        value = b"" if record.lane is None else encode(record.lane)
        step.put(step.keys.delayed(record.kind, record.rank, entry.due_ms, instance_id), value)
    elif record.lane is None:
        step.put(step.keys.ready(record.kind, record.rank, entry.due_ms, instance_id))
    else:
        lane_of(step, record.kind, record.lane).add(place_of(entry))


def place_of(entry: Entry) -> bytes:
    """The part of a key that sorts `entry` in ready order."""
    return number(entry.record.rank) + number(entry.due_ms) + as_bytes(entry.record.id)


def leave_order(step: Step, entry: Entry, delayed: bool = True) -> None:
    """Take `entry` out of the queue, wherever it stands there: a promotion moves it without touching it. It may be
    known not to be `delayed`."""
    record, instance_id = entry.record, as_bytes(entry.record.id)
    if entry.expires_ms is not None and not entry.token:
        step.delete(step.keys.of(b"x", number(entry.expires_ms), instance_id))
    if entry.state == CREATED:
        return
    if delayed:
        step.delete(step.keys.delayed(record.kind, record.rank, entry.due_ms, instance_id))
    if record.lane is None:
        step.delete(step.keys.ready(record.kind, record.rank, entry.due_ms, instance_id))
    else:
        lane_of(step, record.kind, record.lane).remove(place_of(entry))


def finish(
    step: Step,
    entry: Entry,
    state: int,
    worker: str | None = None,
    reason: str | None = None,
    error: ErrorRecord | None = None,
    result: bytes | None = None,
) -> None:
    """End `entry` in the final `state`."""
    record, instance_id = entry.record, as_bytes(entry.record.id)
    move(step, entry, state, worker, reason, error)
    entry.ended_ms = step.now_ms
    entry.result, entry.error = result, error
    give_up_key(step, entry)
    if record.depends_on:
        step.delete(step.keys.of(b"G", instance_id))
    if record.depends_on or step.get(step.keys.of(b"P", instance_id)) is not None:
        step.mark(instance_id)
    step.weigh(result)
    step.put(step.keys.of(b"f", text(record.kind), number(step.now_ms), instance_id), encode(state))


def give_up_key(step: Step, entry: Entry) -> None:
    """Let others have the unique key, when this one holds it."""
    if entry.unique:
        step.delete(step.keys.unique(entry.record.kind, entry.record.unique_key or ""))
        entry.unique = False


def end_queued(step: Step, entry: Entry, reason: str | None = None) -> None:
    """Make a queued `entry` CANCELED where it stands."""
    leave_order(step, entry)
    finish(step, entry, CANCELED, reason=reason)


def let_in(step: Step, entry: Entry) -> None:
    """Release `entry`, which waits for no parent any more: its delay and the bound of its wait count from now."""
    record = entry.record
    entry.due_ms = step.now_ms + record.delay_ms if record.due_ms is None else record.due_ms
    if record.expires_ms is None and record.expires_after_ms is not None:
        entry.expires_ms = step.now_ms + record.expires_after_ms
        step.put(step.keys.of(b"x", number(entry.expires_ms), as_bytes(record.id)))
    move(step, entry, SCHEDULED)
    place(step, entry)


def is_asked(step: Step, entry: Entry) -> bool:
    """Whether a cancel of what runs was requested."""
    return step.get(step.keys.request(entry.worker or "", as_bytes(entry.record.id))) is not None


def requeue(
    step: Step,
    entry: Entry,
    due_ms: int,
    worker: str | None = None,
    reason: str | None = None,
    error: ErrorRecord | None = None,
) -> None:
    """Send `entry`, held by nobody any more, back to the queue."""
    move(step, entry, SCHEDULED, worker, reason, error)
    entry.worker = None
    entry.due_ms = due_ms
    place(step, entry)


def apply(step: Step, entry: Entry, what: Settlement, result: bytes | None = None) -> None:
    """End the attempt of `entry`, held by nobody any more, as was decided."""
    state = NUMBER[what.state]
    if what.due_in_ms is None:
        finish(step, entry, state, entry.worker, what.reason, what.error, result)
        return
    entry.attempt -= not what.counts
    if what.error is not None:
        entry.error = what.error
    if state == SCHEDULED:
        requeue(step, entry, step.now_ms + what.due_in_ms, entry.worker, what.reason, what.error)
    else:
        move(step, entry, state, entry.worker, what.reason, what.error)
        requeue(step, entry, step.now_ms + what.due_in_ms)


def release(step: Step, entry: Entry) -> None:
    """Take `entry` back from a worker that goes."""
    apply(step, entry, released(is_asked(step, entry)))


def crash(step: Step, entry: Entry) -> None:
    """Count a crash under `entry`, whose worker is dead."""
    entry.crashes += 1
    apply(step, entry, crashed(is_asked(step, entry), entry.crashes, entry.record.max_crashes, entry.worker))
