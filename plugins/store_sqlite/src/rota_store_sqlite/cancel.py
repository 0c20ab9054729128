"""`cancel`: end what is queued, ask the worker of what is running."""

from collections.abc import Sequence
from typing import Final

from rota.model.state import State
from rota.store.contract import CancelAnswer
from rota_store_sqlite.entry import STATES, Entry
from rota_store_sqlite.moves import PROCESSING, end_queued
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step
from rota_store_sqlite.topics import WORKER

__all__ = ["cancel"]

_WORKER: Final = statements("worker")


def cancel(step: Step, ids: Sequence[str], where: frozenset[State] | None) -> list[CancelAnswer]:
    """Cancel each of `ids` whose state is in `where`. O(log n) each."""
    return [_cancel(step, step.entry(instance_id), where) for instance_id in ids]


def _cancel(step: Step, entry: Entry | None, where: frozenset[State] | None) -> CancelAnswer:
    if entry is None:
        return "missing"
    if entry.ended:
        return "final"
    if where is not None and STATES[entry.state] not in where:
        return "changed"
    if entry.state != PROCESSING:
        end_queued(step, entry)
        return "canceled"
    if not entry.cancel:
        entry.cancel = 1
        step.touch(entry)
        step.connection.execute(_WORKER["note"], (step.ns, entry.worker))
        step.rings |= WORKER
    return "requested"
