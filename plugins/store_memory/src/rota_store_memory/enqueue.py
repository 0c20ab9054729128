"""`enqueue`: take instances in."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from rota.model.records import EnqueueAnswer, InstanceRecord
from rota.store.refusals import oversized, unfit_parents
from rota_store_memory.entry import COMPLETED, CREATED, SCHEDULED, Entry
from rota_store_memory.moves import end_waiting, let_in
from rota_store_memory.queue import KindQueue
from rota_store_memory.space import Space

__all__ = ["MAX_PAYLOAD_BYTES", "enqueue"]

MAX_PAYLOAD_BYTES: Final = 16 * 1024 * 1024
_by_kind: Final = attrgetter("kind")


def enqueue(space: Space, records: Sequence[InstanceRecord], now_ms: int) -> list[EnqueueAnswer]:
    """Add `records` in list order; wake as many waiters. O(log n) each."""
    answers: list[EnqueueAnswer] = []
    for kind, same_kind in groupby(records, _by_kind):
        queue = space.queue(kind)
        _admit(space, queue, same_kind, now_ms, answers)
        space.drop_if_empty(queue)
    space.note_growth()
    return answers


def _admit(
    space: Space, queue: KindQueue, records: Iterable[InstanceRecord], now_ms: int, answers: list[EnqueueAnswer]
) -> None:
    """Add records of one kind; `answers` gets theirs."""
    entries, followed = space.entries, space.changes.on
    push, add_live, answer = queue.push, queue.live.add, answers.append
    before, alarm = len(entries), False
    for record in records:
        instance_id, key, due_ms = record.id, record.unique_key, record.due_ms
        if instance_id in entries or key is not None or len(record.arguments) > MAX_PAYLOAD_BYTES:
            refusal = _refusal(entries, queue, record)
            if refusal is not None:
                answer(refusal)
                continue
        if record.depends_on:
            found = _admit_dependent(space, queue, record, now_ms)
            before += found.status == "added"  # it was counted where it stands
            answer(found)
            continue
        if due_ms is None:
            due_ms = now_ms + record.delay_ms
        entries[instance_id] = entry = Entry(record.rank, due_ms, instance_id, record, now_ms)
        add_live(entry)
        if push(entry, now_ms) and entry.delayed:
            alarm = True
        if key is not None:
            queue.unique[key] = instance_id
        if record.expires_ms is not None or record.expires_after_ms is not None:
            _bound_wait(space, entry)
        if followed:
            _note_added(space, entry)
        answer(EnqueueAnswer("added", instance_id, due_ms))
    queue.counts[SCHEDULED] += len(entries) - before
    space.tell(queue, alarm)


def _admit_dependent(space: Space, queue: KindQueue, record: InstanceRecord, now_ms: int) -> EnqueueAnswer:
    """Add a record with parents: it waits for those that have not ended."""
    unfit = unfit_parents(record, space.entries.__contains__)
    if unfit is not None:
        return unfit
    parents = [space.entries[parent] for parent in dict.fromkeys(record.depends_on)]
    entry = Entry(record.rank, now_ms, record.id, record, now_ms, record.expires_ms, state=CREATED, scheduled_ms=None)
    space.entries[entry.id] = entry
    queue.live.add(entry)
    queue.counts[CREATED] += 1
    if record.unique_key is not None:
        queue.unique[record.unique_key] = entry.id
    if entry.expires_ms is not None:
        space.expiry.push(entry.expires_ms, entry)
    if space.changes.on:
        space.changes.note(entry, CREATED, now_ms, None, None, None)
    _let_wait(space, queue, entry, parents, now_ms)
    return EnqueueAnswer("added", entry.id, entry.due_ms, state=entry.state)


def _let_wait(space: Space, queue: KindQueue, entry: Entry, parents: list[Entry], now_ms: int) -> None:
    failed = any(parent.ended and parent.state is not COMPLETED for parent in parents)
    if failed and entry.record.on_parent_failure == "cancel":
        end_waiting(space, entry, now_ms)  # nothing depends on it yet
        return
    left = {parent.id for parent in parents if not parent.ended}
    space.dependents.add(entry.id, [parent.id for parent in parents], left)
    if not left:
        let_in(space, queue, entry, now_ms)


def _refusal(entries: dict[str, Entry], queue: KindQueue, record: InstanceRecord) -> EnqueueAnswer | None:
    if record.id in entries:
        return EnqueueAnswer("exists", record.id)
    refusal = oversized(record, MAX_PAYLOAD_BYTES, "the memory store")
    if refusal is not None or record.unique_key is None:
        return refusal
    holder = queue.unique.get(record.unique_key)
    return None if holder is None else EnqueueAnswer("duplicate", holder)


def _bound_wait(space: Space, entry: Entry) -> None:
    record = entry.record
    entry.expires_ms = record.expires_ms
    if entry.expires_ms is None:
        entry.expires_ms = entry.enqueued_ms + (record.expires_after_ms or 0)
    space.expiry.push(entry.expires_ms, entry)


def _note_added(space: Space, entry: Entry) -> None:
    for state in (CREATED, SCHEDULED):
        space.changes.note(entry, state, entry.enqueued_ms, None, None, None)
