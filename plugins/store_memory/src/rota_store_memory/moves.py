"""Every change of an instance's state: record, history, counters and change ring, in one step."""

from rota.model.records import ErrorRecord
from rota.model.state import State
from rota_store_memory.entry import CANCELED, SCHEDULED, TERMINATED, Entry
from rota_store_memory.history import add_to_history
from rota_store_memory.queue import KindQueue
from rota_store_memory.space import Space

__all__ = ["crash", "finish", "move", "release", "requeue"]


def move(
    space: Space,
    queue: KindQueue,
    entry: Entry,
    state: State,
    at_ms: int,
    worker: str | None = None,
    reason: str | None = None,
    error: ErrorRecord | None = None,
) -> None:
    """Put `entry` into `state`."""
    counts = queue.counts
    counts[entry.state] -= 1
    counts[state] += 1
    entry.state = state
    entry.reason = reason
    add_to_history(entry, state, at_ms, worker, reason, error)
    if space.changes.on:
        space.changes.note(entry, state, at_ms, worker, reason, error)


def finish(
    space: Space,
    queue: KindQueue,
    entry: Entry,
    state: State,
    at_ms: int,
    worker: str | None = None,
    reason: str | None = None,
    error: ErrorRecord | None = None,
    result: bytes | None = None,
) -> None:
    """End `entry`, which stands in no heap and is held by nobody any more, in the final `state`."""
    move(space, queue, entry, state, at_ms, worker, reason, error)
    entry.ended_ms = at_ms
    entry.error = error
    entry.result = result
    queue.live.discard()
    queue.ended_in(state).add(entry)
    key = entry.record.unique_key
    if key is not None:
        queue.free(key, entry.id)
    space.endings.call(entry.id)
    space.log_readers.call(entry.id)


def requeue(
    space: Space,
    queue: KindQueue,
    entry: Entry,
    due_ms: int,
    now_ms: int,
    worker: str | None = None,
    reason: str | None = None,
    error: ErrorRecord | None = None,
) -> None:
    """Send `entry`, held by nobody any more, back to the queue."""
    move(space, queue, entry, SCHEDULED, now_ms, worker, reason, error)
    entry.worker = None
    entry.due_ms = due_ms
    if queue.push(entry, now_ms):
        space.tell(queue, alarm=entry.delayed)


def release(
    space: Space,
    queue: KindQueue,
    entry: Entry,
    now_ms: int,
    reason: str = "released",
    error: ErrorRecord | None = None,
) -> None:
    """Send `entry` back without counting the attempt; end it when a cancel was requested."""
    worker = entry.worker
    if entry.cancel_requested:
        finish(space, queue, entry, CANCELED, now_ms, worker)
        return
    entry.attempt -= 1
    entry.error = error or entry.error
    requeue(space, queue, entry, now_ms, now_ms, worker, reason, error)


def crash(space: Space, queue: KindQueue, entry: Entry, now_ms: int, error: ErrorRecord | None = None) -> None:
    """Count a crash under `entry`: send it back, or end it as poison beyond its `max_crashes`."""
    entry.crashes += 1
    if entry.crashes > entry.record.max_crashes:
        finish(space, queue, entry, TERMINATED, now_ms, entry.worker, "poison", error or _poison(entry))
    else:
        release(space, queue, entry, now_ms, "crashed", error)


def _poison(entry: Entry) -> ErrorRecord:
    message = (
        f"the worker died under this instance {entry.crashes} times, last {entry.worker}; "
        f"max_crashes is {entry.record.max_crashes}"
    )
    return ErrorRecord("crashed", "JobCrashed", message)
