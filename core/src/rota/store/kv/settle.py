"""`settle` and `cancel`: end attempts, and what is queued."""

from collections.abc import Callable

from rota.engine.settlement import DONE, GONE, refused, settlement
from rota.model.records import Ending, InstanceRecord, Outcome, SettleAnswer
from rota.model.state import State
from rota.store.contract import CancelAnswer
from rota.store.histories import FINAL, STATES
from rota.store.kv.entry import encode
from rota.store.kv.keys import as_bytes
from rota.store.kv.moves import PROCESSING, apply, end_queued, is_asked
from rota.store.kv.step import Step

__all__ = ["cancel", "prefetch", "settle"]


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
        return GONE
    alive = step.get(step.keys.worker(b"w", entry.worker or "")) is not None
    refusal = refused(outcome, STATES[entry.state], entry.token, entry.settled, alive)
    if refusal is not None:
        return refusal
    what = settlement(outcome, is_asked(step, entry), entry.crashes, entry.record.max_crashes, entry.worker)
    entry.settled = outcome.token
    entry.crashes += outcome.ending is Ending.CRASHED
    apply(step, entry, what, outcome.result)
    for record in outcome.followups:
        enqueue(record)
    return DONE[STATES[entry.state]]


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
