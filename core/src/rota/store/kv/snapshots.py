"""Instances as they stand: records with what is kept beside them, of one moment."""

from collections.abc import Callable, Sequence

from rota.model.records import Snapshot
from rota.store.histories import STATES
from rota.store.kv.dependents import waiting_for
from rota.store.kv.entry import Entry, decode
from rota.store.kv.moves import PROCESSING
from rota.store.kv.step import Step

__all__ = ["look"]


def look(begin: Callable[[], Step], ids: Sequence[bytes]) -> list[Snapshot | None]:
    """Those of `ids` that are there. One round trip, and another one when some run: whether a cancel was requested
    stands under the worker, which is known by then. `begin` makes the step of each."""
    holders: dict[bytes, str] = {}
    while True:
        step = begin()
        keys = [step.keys.of(letter, one) for one in ids for letter in (b"i", b"m", b"G")]
        step.load([*keys, *(step.keys.request(worker, one) for one, worker in holders.items())])
        entries = [(one, entry) for one in ids if (entry := step.entry(one)) is not None]
        running = {one: entry.worker or "" for one, entry in entries if entry.state == PROCESSING}
        if running.items() <= holders.items():
            break
        holders = running
    found = {one: _snapshot(step, one, entry) for one, entry in entries}
    return [found.get(one) for one in ids]


def _snapshot(step: Step, instance_id: bytes, entry: Entry) -> Snapshot:
    value = step.get(step.keys.of(b"m", instance_id))
    told = None if value is None else decode.progress(value)
    waiting = waiting_for(step, instance_id)
    asked = entry.state == PROCESSING and step.get(step.keys.request(entry.worker or "", instance_id)) is not None
    return Snapshot(
        record=entry.record,
        state=STATES[entry.state],
        due_ms=entry.due_ms,
        attempt=entry.attempt,
        token=entry.token,
        crashes=entry.crashes,
        expires_ms=entry.expires_ms,
        started_ms=entry.started_ms,
        ended_ms=entry.ended_ms,
        worker=entry.worker,
        reason=entry.reason,
        progress=waiting if told is None else told.progress,
        progress_message="" if told is None else told.message,
        cancel_requested=asked,
        result=entry.result,
        error=entry.error,
    )
