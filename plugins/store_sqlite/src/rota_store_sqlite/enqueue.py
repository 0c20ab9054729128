"""`enqueue`: take instances in."""

from collections.abc import Sequence
from typing import Any, Final

from rota.model.records import EnqueueAnswer, InstanceRecord
from rota.store.histories import begun
from rota.store.refusals import oversized, unfit_parents
from rota_store_sqlite.entry import DELAYED, FINAL, IN_LANE, NOWHERE, READY, STATES, Entry, as_bytes, encode
from rota_store_sqlite.moves import COMPLETED, CREATED, SCHEDULED, end_queued, let_in
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Kind, Step
from rota_store_sqlite.topics import WORK

__all__ = ["MAX_PAYLOAD_BYTES", "enqueue"]

MAX_PAYLOAD_BYTES: Final = 16 * 1024 * 1024

_INSTANCE: Final = statements("instance")
_EDGE: Final = statements("edge")


def enqueue(step: Step, records: Sequence[InstanceRecord]) -> list[EnqueueAnswer]:
    """Add `records` in list order. O(log n) each."""
    kinds: dict[str, Kind] = {}
    history = begun(CREATED, SCHEDULED, at_ms=step.now_ms)
    answers: list[EnqueueAnswer] = []
    for record in records:
        if record.kind not in kinds:
            kinds[record.kind] = step.made_kind(record.kind)
        kind = kinds[record.kind]
        answer = _refusal(step, kind, record)
        if answer is None:
            answer = _add_dependent(step, kind, record) if record.depends_on else _add(step, kind, record, history)
        answers.append(answer)
    return answers


def _add(step: Step, kind: Kind, record: InstanceRecord, history: bytes) -> EnqueueAnswer:
    due_ms = step.now_ms + record.delay_ms if record.due_ms is None else record.due_ms
    place = DELAYED if due_ms > step.now_ms else READY if record.lane is None else IN_LANE
    expires_ms = record.expires_ms
    if expires_ms is None and record.expires_after_ms is not None:
        expires_ms = step.now_ms + record.expires_after_ms
    if _insert(step, kind, record, SCHEDULED, place, due_ms, expires_ms, history, 2) is None:
        return EnqueueAnswer("exists", record.id)
    if place == IN_LANE and record.lane is not None:
        step.note_running(kind.id, record.lane, 0)
    step.rings |= WORK
    return EnqueueAnswer("added", record.id, due_ms)


def _insert(
    step: Step,
    kind: Kind,
    record: InstanceRecord,
    state: int,
    place: int,
    due_ms: int,
    expires_ms: int | None,
    history: bytes,
    entries: int,
) -> int | None:
    """Add the row; its number, None when the id is there already."""
    instance_id = as_bytes(record.id)
    row: tuple[Any, ...] = (
        step.ns, instance_id, kind.id, state, place, record.rank, due_ms, record.lane, record.unique_key, expires_ms,
        encode(record), history, entries,
    )  # fmt: skip
    added = step.connection.execute(_INSTANCE["add"], row)
    if not added.rowcount:
        return None
    step.counts[kind.id, state] += 1
    step.note_added(instance_id, kind.id, state)
    return added.lastrowid


def _add_dependent(step: Step, kind: Kind, record: InstanceRecord) -> EnqueueAnswer:
    """Add a record with parents: it waits for those that have not ended."""
    unfit = unfit_parents(record, step.has)
    if unfit is not None:
        return unfit
    parents = [step.one(_INSTANCE, "n_by_id", step.ns, as_bytes(one)) for one in dict.fromkeys(record.depends_on)]
    history = begun(CREATED, at_ms=step.now_ms)
    n = _insert(step, kind, record, CREATED, NOWHERE, step.now_ms, record.expires_ms, history, 1)
    if n is None:
        return EnqueueAnswer("exists", record.id)
    entry: Entry = step.entry_at(n)
    if any(state in FINAL and state != COMPLETED for _, state, _ in parents) and record.on_parent_failure == "cancel":
        end_queued(step, entry, "parent")
    else:
        edges = [(parent, n, int(ended_ms is None)) for parent, _, ended_ms in parents]
        step.connection.executemany(_EDGE["add"], edges)
        step.has_edges = True
        if not any(is_open for _, _, is_open in edges):
            let_in(step, entry)
    return EnqueueAnswer("added", record.id, entry.due_ms, state=STATES[entry.state])


def _refusal(step: Step, kind: Kind, record: InstanceRecord) -> EnqueueAnswer | None:
    refusal = oversized(record, MAX_PAYLOAD_BYTES, "the SQLite store")
    if refusal is not None or record.unique_key is None:
        return refusal
    if step.has(record.id):
        return EnqueueAnswer("exists", record.id)
    holder = step.one(_INSTANCE, "holder", kind.id, record.unique_key)
    return None if holder is None else EnqueueAnswer("duplicate", holder[0].hex())
