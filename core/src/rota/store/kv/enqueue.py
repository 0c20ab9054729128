"""`enqueue`: take instances in."""

from collections.abc import Iterable

from rota.model.errors import UnsupportedFeature
from rota.model.records import EnqueueAnswer, InstanceRecord
from rota.model.state import State
from rota.store.histories import NUMBER, begun
from rota.store.kv.entry import Entry
from rota.store.kv.keys import as_bytes, number, text
from rota.store.kv.moves import place
from rota.store.kv.step import Step

__all__ = ["enqueue", "keys_of", "refuse_undeclared"]

_CREATED, _SCHEDULED = NUMBER[State.CREATED], NUMBER[State.SCHEDULED]


def refuse_undeclared(records: Iterable[InstanceRecord]) -> None:
    """Raise UnsupportedFeature for what a store on `OrderedKV` does not do, before anything is done."""
    for record in records:
        feature = "dependencies" if record.depends_on else "limits" if record.lane is not None else None
        if feature is not None:
            raise UnsupportedFeature(
                f"an instance of {record.kind!r} asks for {feature}, which this store does not offer: use one that "
                f"declares {feature!r}, as memory:// and sqlite:// do",
                feature,
            )


def keys_of(step: Step, record: InstanceRecord) -> list[bytes]:
    """What will be read for it, to be read at once for many."""
    found = [step.keys.instance(as_bytes(record.id))]
    return found if record.unique_key is None else [*found, step.keys.unique(record.kind, record.unique_key)]


def enqueue(step: Step, record: InstanceRecord, most_bytes: int) -> EnqueueAnswer:
    """Add `record`."""
    instance_id = as_bytes(record.id)
    if len(record.arguments) > most_bytes:
        error = (
            f"the arguments of {record.kind!r} have {len(record.arguments)} bytes, this store takes {most_bytes}: "
            "keep the data elsewhere and pass where"
        )
        return EnqueueAnswer("refused", record.id, error=error)
    if step.entry(instance_id) is not None:
        return EnqueueAnswer("exists", record.id)
    if record.unique_key is not None:
        key = step.keys.unique(record.kind, record.unique_key)
        holder = step.get(key)
        if holder is not None:
            return EnqueueAnswer("duplicate", holder.hex())
        step.put(key, instance_id)
    due_ms = step.now_ms + record.delay_ms if record.due_ms is None else record.due_ms
    expires_ms = record.expires_ms
    if expires_ms is None and record.expires_after_ms is not None:
        expires_ms = step.now_ms + record.expires_after_ms
    history = begun(_CREATED, _SCHEDULED, at_ms=step.now_ms)
    unique = record.unique_key is not None
    entry = Entry(record, _SCHEDULED, due_ms, history, 2, expires_ms=expires_ms, unique=unique)
    step.touch(instance_id, entry)
    step.counts[record.kind, _SCHEDULED] += 1
    step.note_added(instance_id, record.kind, _SCHEDULED)
    step.put(step.keys.of(b"k", text(record.kind), instance_id))
    if expires_ms is not None:
        step.put(step.keys.of(b"x", number(expires_ms), instance_id))
    place(step, entry)
    return EnqueueAnswer("added", record.id, due_ms)
