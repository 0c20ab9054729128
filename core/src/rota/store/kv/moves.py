"""Every change of an instance's state: record, history, counters, and its place in the orders, in one step."""

from rota.model.records import ErrorRecord
from rota.model.state import State
from rota.store.histories import NUMBER, add_to_history
from rota.store.kv.entry import Claimed, Entry, decode, encode
from rota.store.kv.keys import as_bytes, number, text
from rota.store.kv.step import Step

__all__ = ["CANCELED", "PROCESSING", "SCHEDULED", "crash", "end_queued", "finish", "give_up_key", "is_asked",
           "leave_order", "move", "place", "release", "requeue"]  # fmt: skip

SCHEDULED, PROCESSING = NUMBER[State.SCHEDULED], NUMBER[State.PROCESSING]
TERMINATED, CANCELED = NUMBER[State.TERMINATED], NUMBER[State.CANCELED]


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
    if entry.state == PROCESSING:
        _let_go(step, entry)
    entry.state = state
    entry.reason = reason
    add_to_history(entry, step.now_ms, worker, reason, error)
    step.touch(as_bytes(entry.record.id), entry)


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
    if claimed.left <= 0 and (last is None or decode.integer(last) != entry.seq):
        step.delete(key)
    else:
        step.put(key, encode(claimed))


def place(step: Step, entry: Entry) -> None:
    """Queue `entry` by its due time."""
    record, instance_id = entry.record, as_bytes(entry.record.id)
    make = step.keys.delayed if entry.due_ms > step.now_ms else step.keys.ready
    step.put(make(record.kind, record.rank, entry.due_ms, instance_id))


def leave_order(step: Step, entry: Entry) -> None:
    """Take `entry` out of the queue, wherever it stands there: a promotion moves it without touching it."""
    record, instance_id = entry.record, as_bytes(entry.record.id)
    for make in (step.keys.ready, step.keys.delayed):
        step.delete(make(record.kind, record.rank, entry.due_ms, instance_id))
    if entry.expires_ms is not None and not entry.token:
        step.delete(step.keys.of(b"x", number(entry.expires_ms), instance_id))


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


def release(step: Step, entry: Entry, reason: str = "released", error: ErrorRecord | None = None) -> None:
    """Send `entry` back without counting the attempt; end it when a cancel was requested."""
    if is_asked(step, entry):
        finish(step, entry, CANCELED, entry.worker)
        return
    entry.attempt -= 1
    requeue(step, entry, step.now_ms, entry.worker, reason, error)


def crash(step: Step, entry: Entry, error: ErrorRecord | None = None) -> None:
    """Count a crash under `entry`: send it back, or end it as poison beyond its `max_crashes`."""
    entry.crashes += 1
    most = entry.record.max_crashes
    if entry.crashes > most:
        finish(step, entry, TERMINATED, entry.worker, "poison", error or _poison(entry, most))
    else:
        release(step, entry, "crashed", error)


def _poison(entry: Entry, most: int) -> ErrorRecord:
    message = f"the worker died under this instance {entry.crashes} times, last {entry.worker}; max_crashes is {most}"
    return ErrorRecord("crashed", "JobCrashed", message)
