"""`settle`: end attempts."""

from collections.abc import Sequence
from typing import Final

from rota.model.errors import ConfigError
from rota.model.records import Ending, Outcome, SettleAnswer
from rota.model.state import State
from rota.store.contract import MAX_FOLLOWUPS
from rota_store_memory.enqueue import enqueue, refuse_unsupported
from rota_store_memory.entry import CANCELED, COMPLETED, PROCESSING, TERMINATED, TIMED_OUT, Entry
from rota_store_memory.moves import crash, finish, move, release, requeue
from rota_store_memory.space import Space

__all__ = ["settle"]

_FINAL: Final = {
    Ending.COMPLETED: COMPLETED, Ending.TERMINATED: TERMINATED,
    Ending.CANCELED: CANCELED, Ending.TIMED_OUT: TIMED_OUT,
}  # fmt: skip
_CRASHED: Final = Ending.CRASHED
_RETRIED: Final = frozenset({TERMINATED, TIMED_OUT})
_DONE: Final = {state: SettleAnswer("done", state) for state in State}
_ALREADY: Final = {state: SettleAnswer("already", state) for state in State}
_LOST: Final = {state: SettleAnswer("lost", state) for state in State}
_GONE: Final = SettleAnswer("lost", None)


def settle(space: Space, outcomes: Sequence[Outcome], now_ms: int) -> list[SettleAnswer]:
    """Apply `outcomes` in order. O(log n) each.

    Raises: ConfigError for too many follow-ups, UnsupportedFeature for one; before anything is done.
    """
    for outcome in outcomes:
        if outcome.followups:
            _refuse_too_many(outcome)
            refuse_unsupported(outcome.followups)
    return [_settle(space, outcome, now_ms) for outcome in outcomes]


def _refuse_too_many(outcome: Outcome) -> None:
    number = len(outcome.followups)
    if number > MAX_FOLLOWUPS:
        raise ConfigError(
            f"settle() of instance {outcome.id!r} with {number} follow-ups: at most {MAX_FOLLOWUPS} go into one step; "
            "enqueue the others by themselves"
        )


def _settle(space: Space, outcome: Outcome, now_ms: int) -> SettleAnswer:
    entry = space.entries.get(outcome.id)
    if entry is None:
        return _GONE
    token = outcome.token
    if entry.token != token or entry.state is not PROCESSING:
        already = token and entry.settled == token  # 0 is nobody's token
        return _ALREADY[entry.state] if already else _LOST[entry.state]
    lease = space.leases.live.get(entry.worker or "")
    if lease is None:  # its worker is dead; what it held is not taken back yet
        return _LOST[PROCESSING]
    lease.let_go(outcome.id)
    entry.settled = token
    _end(space, entry, outcome, now_ms)
    if outcome.followups:
        enqueue(space, outcome.followups, now_ms)
    return _DONE[entry.state]


def _end(space: Space, entry: Entry, outcome: Outcome, now_ms: int) -> None:
    queue = space.queue_of(entry)
    state = _FINAL.get(outcome.ending)
    if state is None:
        if outcome.ending is _CRASHED:
            crash(space, queue, entry, now_ms, outcome.error)
        else:
            release(space, queue, entry, now_ms)
    elif outcome.retry_after_ms is None or state not in _RETRIED:
        finish(space, queue, entry, state, now_ms, entry.worker, outcome.reason, outcome.error, outcome.result)
    elif entry.cancel_requested:
        finish(space, queue, entry, CANCELED, now_ms, entry.worker)
    else:
        move(space, queue, entry, state, now_ms, entry.worker, outcome.reason, outcome.error)
        entry.error = outcome.error
        requeue(space, queue, entry, now_ms + outcome.retry_after_ms, now_ms)
