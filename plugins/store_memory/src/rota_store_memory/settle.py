"""`settle`: end attempts."""

from collections.abc import Sequence
from typing import Final

from rota.engine.settlement import DONE, GONE, refused, settlement
from rota.model.records import Ending, Outcome, SettleAnswer
from rota.store.refusals import refuse_followups
from rota_store_memory.enqueue import enqueue
from rota_store_memory.moves import apply
from rota_store_memory.space import Space

__all__ = ["settle"]

_CRASHED: Final = Ending.CRASHED


def settle(space: Space, outcomes: Sequence[Outcome], now_ms: int) -> list[SettleAnswer]:
    """Apply `outcomes` in order. O(log n) each.

    Raises: ConfigError for too many follow-ups, before anything is done.
    """
    refuse_followups(outcomes)
    return [_settle(space, outcome, now_ms) for outcome in outcomes]


def _settle(space: Space, outcome: Outcome, now_ms: int) -> SettleAnswer:
    entry = space.entries.get(outcome.id)
    if entry is None:
        return GONE
    worker, live = entry.worker or "", space.leases.live
    refusal = refused(outcome, entry.state, entry.token, entry.settled, worker in live)
    if refusal is not None:
        return refusal
    live[worker].let_go(outcome.id)
    what = settlement(outcome, entry.cancel_requested, entry.crashes, entry.record.max_crashes, worker)
    entry.settled = outcome.token
    entry.crashes += outcome.ending is _CRASHED
    apply(space, space.queue_of(entry), entry, what, now_ms, outcome.result)
    if outcome.followups:
        enqueue(space, outcome.followups, now_ms)
    return DONE[entry.state]
