"""Every change of an instance's state: record, history, counters and changes, in one step."""

from collections import deque
from typing import Final

from rota.engine.settlement import Settlement, crashed, released
from rota.model.records import ErrorRecord
from rota.model.state import State
from rota.store.histories import add_to_history
from rota_store_sqlite.entry import DELAYED, IN_LANE, NOWHERE, NUMBER, READY, Entry, decode_record, encode
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step
from rota_store_sqlite.topics import ENDED, LINES, WORK

__all__ = ["apply", "crash", "end_queued", "finish", "let_in", "move", "place", "release", "requeue"]

CREATED, SCHEDULED, PROCESSING, COMPLETED = (NUMBER[state] for state in list(State)[:4])
CANCELED = NUMBER[State.CANCELED]

_EDGE: Final = statements("edge")


def move(
    step: Step,
    entry: Entry,
    state: int,
    worker: str | None = None,
    reason: str | None = None,
    error: ErrorRecord | None = None,
) -> None:
    """Put `entry` into `state`."""
    step.counts[entry.kind, entry.state] -= 1
    step.counts[entry.kind, state] += 1
    if entry.lane is not None and PROCESSING in (entry.state, state):
        step.note_running(entry.kind, entry.lane, 1 if state == PROCESSING else -1)
    elif entry.state == PROCESSING:
        step.rings |= WORK  # a gate may have room again
    entry.state = state
    entry.reason = reason
    add_to_history(entry, step.now_ms, worker, reason, error)
    step.note_change(entry, worker, reason, error)
    step.touch(entry)


def place(step: Step, entry: Entry) -> None:
    """Queue `entry` by its due time: delayed, ready, or waiting in its lane."""
    if entry.due_ms > step.now_ms:
        entry.place = DELAYED
    elif entry.lane is None:
        entry.place = READY
    else:
        entry.place = IN_LANE
        step.note_running(entry.kind, entry.lane, 0)
    step.rings |= WORK


def finish(
    step: Step,
    entry: Entry,
    state: int,
    worker: str | None = None,
    reason: str | None = None,
    error: ErrorRecord | None = None,
    result: bytes | None = None,
) -> None:
    """End `entry` in the final `state`. Its dependents are released when it was the last one they waited for, or end
    with it: one after the other, since a chain of them may be longer than a stack is deep."""
    _end(step, entry, state, worker, reason, error, result)
    if step.has_edges:
        _pass_on(step, entry)


def _pass_on(step: Step, entry: Entry) -> None:
    ended = deque([entry])
    while ended:
        parent = ended.popleft()
        step.connection.execute(_EDGE["forget_child"], (parent.n,))
        children = step.connection.execute(_EDGE["children"], (parent.n,)).fetchall()
        if children:
            step.connection.execute(_EDGE["end_parent"], (parent.n,))
        for (n,) in children:
            child = step.entry_at(n)
            if child.state != CREATED:
                continue
            if parent.state != COMPLETED and decode_record(child.record).on_parent_failure == "cancel":
                _end(step, child, CANCELED, reason="parent")
                ended.append(child)
            elif not step.one(_EDGE, "left", n)[0]:
                let_in(step, child)


def _end(
    step: Step,
    entry: Entry,
    state: int,
    worker: str | None = None,
    reason: str | None = None,
    error: ErrorRecord | None = None,
    result: bytes | None = None,
) -> None:
    entry.ended_ms = step.now_ms
    entry.place = NOWHERE
    entry.result = result
    entry.error = None if error is None else encode(error)
    entry.unique_key = None
    move(step, entry, state, worker, reason, error)
    step.rings |= ENDED | LINES


def end_queued(step: Step, entry: Entry, reason: str | None = None) -> None:
    """Make a queued or waiting `entry` CANCELED where it stands."""
    if entry.lane is not None:
        step.note_running(entry.kind, entry.lane, 0)
    finish(step, entry, CANCELED, reason=reason)


def let_in(step: Step, entry: Entry) -> None:
    """Release `entry`, which waits for no parent any more: its delay and the bound of its wait count from now."""
    record = decode_record(entry.record)
    entry.due_ms = step.now_ms + record.delay_ms if record.due_ms is None else record.due_ms
    if record.expires_ms is None and record.expires_after_ms is not None:
        entry.expires_ms = step.now_ms + record.expires_after_ms
    move(step, entry, SCHEDULED)
    place(step, entry)


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
        entry.error = encode(what.error)
    if state == SCHEDULED:
        requeue(step, entry, step.now_ms + what.due_in_ms, entry.worker, what.reason, what.error)
    else:
        move(step, entry, state, entry.worker, what.reason, what.error)
        requeue(step, entry, step.now_ms + what.due_in_ms)


def crash(step: Step, entry: Entry) -> None:
    """Count a crash under `entry`, whose worker is dead."""
    entry.crashes += 1
    most = decode_record(entry.record).max_crashes
    apply(step, entry, crashed(bool(entry.cancel), entry.crashes, most, entry.worker))


def release(step: Step, entry: Entry) -> None:
    """Take `entry` back from a worker that goes."""
    apply(step, entry, released(bool(entry.cancel)))
