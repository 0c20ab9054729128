"""Every change of an instance's state: record, history, counters and change ring, in one step."""

from collections import deque

from rota.engine.settlement import Settlement, crashed, released
from rota.model.records import ErrorRecord
from rota.model.state import State
from rota_store_memory.entry import CANCELED, COMPLETED, CREATED, PROCESSING, SCHEDULED, Entry
from rota_store_memory.history import add_to_history
from rota_store_memory.queue import KindQueue
from rota_store_memory.space import Space

__all__ = ["apply", "crash", "end_waiting", "finish", "let_in", "move", "release", "requeue"]


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
    counts, before = queue.counts, entry.state
    counts[before] -= 1
    counts[state] += 1
    entry.state = state
    entry.reason = reason
    add_to_history(entry, state, at_ms, worker, reason, error)
    if queue.limits is not None:
        queue.limits.moved(entry, before, at_ms)
        if before is PROCESSING:  # it may have held others back
            space.line.wake((queue.kind,))
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
    pass_on: bool = True,
) -> None:
    """End `entry`, which stands in no heap and is held by nobody any more, in the final `state`. Its dependents are
    released when it was the last one they waited for, or end with it; without `pass_on` the caller tells them."""
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
    if pass_on and len(space.dependents):
        _pass_on(space, entry, at_ms)


def _pass_on(space: Space, entry: Entry, at_ms: int) -> None:
    """Tell the dependents of `entry` that it has ended, and theirs when they end with it: one after the other, since
    a chain of them may be longer than a stack is deep."""
    dependents, ended = space.dependents, deque([entry])
    while ended:
        parent = ended.popleft()
        dependents.forget(parent.id, parent.record.depends_on)
        for child_id in dependents.of(parent.id):
            child = space.entries[child_id]
            if child.state is not CREATED:
                continue
            if parent.state is not COMPLETED and child.record.on_parent_failure == "cancel":
                end_waiting(space, child, at_ms)
                ended.append(child)
            elif dependents.note_ended(parent.id, child_id):
                let_in(space, space.queue_of(child), child, at_ms)


def end_waiting(space: Space, entry: Entry, at_ms: int) -> None:
    """Cancel one whose parent failed; what depends on it is the caller's to tell."""
    finish(space, space.queue_of(entry), entry, CANCELED, at_ms, reason="parent", pass_on=False)
    if entry.expires_ms is not None:
        space.expiry.discard()


def let_in(space: Space, queue: KindQueue, entry: Entry, now_ms: int) -> None:
    """Release `entry`, which waits for no parent any more: its delay and the bound of its wait count from now."""
    record = entry.record
    queue.counts[CREATED] -= 1
    queue.counts[SCHEDULED] += 1
    entry.state = SCHEDULED
    entry.scheduled_ms = now_ms
    entry.due_ms = now_ms + record.delay_ms if record.due_ms is None else record.due_ms
    if record.expires_ms is None and record.expires_after_ms is not None:
        entry.expires_ms = now_ms + record.expires_after_ms
        space.expiry.push(entry.expires_ms, entry)
    if space.changes.on:
        space.changes.note(entry, SCHEDULED, now_ms, None, None, None)
    if queue.push(entry, now_ms):
        space.tell(queue, alarm=entry.delayed)


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


def apply(
    space: Space, queue: KindQueue, entry: Entry, what: Settlement, now_ms: int, result: bytes | None = None
) -> None:
    """End the attempt of `entry`, held by nobody any more, as was decided."""
    if what.due_in_ms is None:
        finish(space, queue, entry, what.state, now_ms, entry.worker, what.reason, what.error, result)
        return
    entry.attempt -= not what.counts
    entry.error = what.error or entry.error
    if what.state is SCHEDULED:
        requeue(space, queue, entry, now_ms + what.due_in_ms, now_ms, entry.worker, what.reason, what.error)
    else:
        move(space, queue, entry, what.state, now_ms, entry.worker, what.reason, what.error)
        requeue(space, queue, entry, now_ms + what.due_in_ms, now_ms)


def crash(space: Space, queue: KindQueue, entry: Entry, now_ms: int) -> None:
    """Count a crash under `entry`, whose worker is dead."""
    entry.crashes += 1
    most = entry.record.max_crashes
    apply(space, queue, entry, crashed(entry.cancel_requested, entry.crashes, most, entry.worker), now_ms)


def release(space: Space, queue: KindQueue, entry: Entry, now_ms: int) -> None:
    """Take `entry` back from a worker that goes."""
    apply(space, queue, entry, released(entry.cancel_requested), now_ms)
