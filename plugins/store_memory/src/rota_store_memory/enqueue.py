"""`enqueue`: take instances in."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from rota.model.errors import UnsupportedFeature
from rota.model.records import EnqueueAnswer, InstanceRecord
from rota_store_memory.entry import CREATED, SCHEDULED, Entry
from rota_store_memory.queue import KindQueue
from rota_store_memory.space import Space

__all__ = ["MAX_PAYLOAD_BYTES", "enqueue", "refuse_unsupported"]

MAX_PAYLOAD_BYTES: Final = 16 * 1024 * 1024
_by_kind: Final = attrgetter("kind")


def refuse_unsupported(records: Iterable[InstanceRecord]) -> None:
    """Raise UnsupportedFeature for the first record that asks for what is not declared; before anything is done."""
    for record in records:
        if record.depends_on:
            raise UnsupportedFeature(
                f"instance {record.id!r} of kind {record.kind!r} asks for 'dependencies', which the memory store does "
                f"not declare; use a store with it, or schedule without",
                "dependencies",
            )


def enqueue(space: Space, records: Sequence[InstanceRecord], now_ms: int) -> list[EnqueueAnswer]:
    """Add `records`, which ask for nothing unsupported, in list order; wake as many waiters. O(log n) each."""
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


def _refusal(entries: dict[str, Entry], queue: KindQueue, record: InstanceRecord) -> EnqueueAnswer | None:
    if record.id in entries:
        return EnqueueAnswer("exists", record.id)
    size_bytes = len(record.arguments)
    if size_bytes > MAX_PAYLOAD_BYTES:
        error = (
            f"the arguments of {record.kind!r} have {size_bytes} bytes, the memory store takes {MAX_PAYLOAD_BYTES}: "
            "keep the data elsewhere and pass where"
        )
        return EnqueueAnswer("refused", record.id, error=error)
    holder = None if record.unique_key is None else queue.unique.get(record.unique_key)
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
