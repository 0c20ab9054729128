"""`settle` and `cancel`: end attempts, and what is queued."""

from collections.abc import Callable
from typing import Final

from rota.model.records import Ending, InstanceRecord, Outcome, SettleAnswer
from rota.model.state import State
from rota.store.contract import CancelAnswer
from rota.store.histories import FINAL, NUMBER, STATES
from rota.store.kv.entry import Entry, encode
from rota.store.kv.keys import as_bytes
from rota.store.kv.moves import CANCELED, PROCESSING, crash, end_queued, finish, is_asked, move, release, requeue
from rota.store.kv.step import Step

__all__ = ["cancel", "prefetch", "settle"]

_FINAL: Final = {
    Ending.COMPLETED: NUMBER[State.COMPLETED], Ending.TERMINATED: NUMBER[State.TERMINATED],
    Ending.CANCELED: NUMBER[State.CANCELED], Ending.TIMED_OUT: NUMBER[State.TIMED_OUT],
}  # fmt: skip
_RETRIED: Final = (Ending.TERMINATED, Ending.TIMED_OUT)


def prefetch(step: Step, ids: list[bytes]) -> None:
    """Read in two round trips what ending these will ask for."""
    step.load(map(step.keys.instance, ids))
    held = [(one, entry) for one in ids if (entry := step.entry(one)) is not None and entry.state == PROCESSING]
    keys: list[bytes] = []
    for instance_id, entry in held:
        worker = entry.worker or ""
        keys += [step.keys.worker(b"w", worker), step.keys.worker(b"j", worker)]
        keys += [step.keys.claim(worker, entry.seq), step.keys.request(worker, instance_id)]
    step.load(keys)


def settle(step: Step, outcome: Outcome, enqueue: Callable[[InstanceRecord], object]) -> SettleAnswer:
    """Apply one outcome."""
    entry = step.entry(as_bytes(outcome.id))
    if entry is None:
        return SettleAnswer("lost", None)
    state = STATES[entry.state]
    if entry.token != outcome.token or entry.state != PROCESSING:
        return SettleAnswer("already" if 0 < outcome.token == entry.settled else "lost", state)
    if step.get(step.keys.worker(b"w", entry.worker or "")) is None:  # it is dead; this is not taken back yet
        return SettleAnswer("lost", state)
    entry.settled = outcome.token
    _end(step, entry, outcome)
    for record in outcome.followups:
        enqueue(record)
    return SettleAnswer("done", STATES[entry.state])


def _end(step: Step, entry: Entry, outcome: Outcome) -> None:
    state = _FINAL.get(outcome.ending)
    if state is None:
        if outcome.ending is Ending.CRASHED:
            crash(step, entry, outcome.error)
        else:
            release(step, entry)
    elif outcome.retry_after_ms is None or outcome.ending not in _RETRIED:
        finish(step, entry, state, entry.worker, outcome.reason, outcome.error, outcome.result)
    elif is_asked(step, entry):
        finish(step, entry, CANCELED, entry.worker)
    else:
        move(step, entry, state, entry.worker, outcome.reason, outcome.error)
        entry.error = outcome.error
        requeue(step, entry, step.now_ms + outcome.retry_after_ms)


def cancel(step: Step, instance_id: str, where: frozenset[State] | None) -> CancelAnswer:
    """Cancel one whose state is in `where`."""
    entry = step.entry(as_bytes(instance_id))
    if entry is None:
        return "missing"
    if entry.state in FINAL:
        return "final"
    if where is not None and STATES[entry.state] not in where:
        return "changed"
    if entry.state != PROCESSING:
        end_queued(step, entry)
        return "canceled"
    if not is_asked(step, entry):
        step.put(step.keys.request(entry.worker or "", as_bytes(instance_id)), encode(False))
    return "requested"
