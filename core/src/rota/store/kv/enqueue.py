"""`enqueue`: take instances in."""

from typing import Final

from rota.model.records import EnqueueAnswer, InstanceRecord
from rota.store.histories import STATES, begun
from rota.store.kv.dependents import wait_for_parents
from rota.store.kv.entry import Entry
from rota.store.kv.keys import as_bytes, number, text
from rota.store.kv.lanes import load_lanes
from rota.store.kv.moves import CREATED, SCHEDULED, place
from rota.store.kv.step import Step
from rota.store.refusals import oversized, unfit_parents

__all__ = ["ENQUEUE_OPS", "enqueue", "load_for_enqueue"]

ENQUEUE_OPS: Final = 14  #: keys that one record puts and deletes, or checks, at most; bindings to parents come on top


def load_for_enqueue(step: Step, records: list[InstanceRecord]) -> None:
    """Read at once what adding these will ask for."""
    keys: list[bytes] = []
    for record in records:
        keys += [step.keys.instance(as_bytes(one)) for one in (record.id, *record.depends_on)]
        if record.unique_key is not None:
            keys.append(step.keys.unique(record.kind, record.unique_key))
        if record.depends_on:
            keys.append(step.keys.of(b"G", as_bytes(record.id)))
    keys += [step.keys.of(b"o", text(kind), bytes([step.shard])) for kind in {record.kind for record in records}]
    laned = {(record.kind, record.lane): None for record in records if record.lane is not None}
    load_lanes(step, [(kind, lane) for kind, lane in laned if lane is not None], keys)


def enqueue(step: Step, record: InstanceRecord, most_bytes: int) -> EnqueueAnswer:
    """Add `record`."""
    instance_id = as_bytes(record.id)
    refusal = oversized(record, most_bytes, "this store")
    if refusal is not None:
        return refusal
    if step.entry(instance_id) is not None:
        return EnqueueAnswer("exists", record.id)
    if record.unique_key is not None:
        holder = step.get(step.keys.unique(record.kind, record.unique_key))
        if holder is not None:
            return EnqueueAnswer("duplicate", holder.hex())
    unfit = unfit_parents(record, lambda parent: step.has(as_bytes(parent)))
    return unfit or _add(step, record, instance_id)


def _add(step: Step, record: InstanceRecord, instance_id: bytes) -> EnqueueAnswer:
    state = CREATED if record.depends_on else SCHEDULED
    states = range(state + 1)
    due_ms = step.now_ms + record.delay_ms if record.due_ms is None else record.due_ms
    expires_ms = record.expires_ms
    if record.depends_on:
        due_ms = step.now_ms
    elif expires_ms is None and record.expires_after_ms is not None:
        expires_ms = step.now_ms + record.expires_after_ms
    entry = Entry(record, state, due_ms, begun(*states, at_ms=step.now_ms), len(states), expires_ms=expires_ms)
    if record.unique_key is not None:
        entry.unique = True
        step.put(step.keys.unique(record.kind, record.unique_key), instance_id)
    step.touch(instance_id, entry)
    step.counts[record.kind, state] += 1
    step.note_added(instance_id, record.kind, state)
    step.put(step.keys.of(b"k", text(record.kind), instance_id))
    if expires_ms is not None:
        step.put(step.keys.of(b"x", number(expires_ms), instance_id))
    if not record.depends_on:
        place(step, entry)
    elif not wait_for_parents(step, entry):
        step.mark(instance_id)
    return EnqueueAnswer("added", record.id, entry.due_ms, state=STATES[entry.state])
