"""`settle`: end attempts."""

from collections.abc import Sequence
from typing import Final

from rota.engine.settlement import DONE, GONE, refused, settlement
from rota.model.records import Ending, Outcome, SettleAnswer
from rota_store_sqlite.enqueue import enqueue
from rota_store_sqlite.entry import STATES, decode_record
from rota_store_sqlite.moves import apply
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step

__all__ = ["settle"]

_WORKER: Final = statements("worker")


def settle(step: Step, outcomes: Sequence[Outcome]) -> list[SettleAnswer]:
    """Apply `outcomes` in order. O(log n) each."""
    alive: dict[str, bool] = {}
    return [_settle(step, outcome, alive) for outcome in outcomes]


def _settle(step: Step, outcome: Outcome, alive: dict[str, bool]) -> SettleAnswer:
    entry = step.entry(outcome.id)
    if entry is None:
        return GONE
    worker = entry.worker or ""
    if worker not in alive:
        alive[worker] = step.one(_WORKER, "claims", step.ns, worker) is not None
    refusal = refused(outcome, STATES[entry.state], entry.token, entry.settled, alive[worker])
    if refusal is not None:
        return refusal
    crashed = outcome.ending is Ending.CRASHED
    most = decode_record(entry.record).max_crashes if crashed else 0
    what = settlement(outcome, bool(entry.cancel), entry.crashes, most, worker)
    entry.settled = outcome.token
    entry.crashes += crashed
    apply(step, entry, what, outcome.result)
    if outcome.followups:
        enqueue(step, outcome.followups)
    return DONE[STATES[entry.state]]
