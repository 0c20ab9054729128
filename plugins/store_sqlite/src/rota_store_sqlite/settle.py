"""`settle`: end attempts."""

from collections.abc import Sequence
from typing import Final

from rota.model.errors import ConfigError
from rota.model.records import Ending, Outcome, SettleAnswer
from rota.model.state import State
from rota.store.contract import MAX_FOLLOWUPS
from rota_store_sqlite.enqueue import enqueue
from rota_store_sqlite.entry import NUMBER, STATES, Entry, encode
from rota_store_sqlite.moves import CANCELED, PROCESSING, crash, finish, move, release, requeue
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step

__all__ = ["refuse_too_many", "settle"]

_WORKER: Final = statements("worker")
_FINAL: Final = {
    Ending.COMPLETED: NUMBER[State.COMPLETED], Ending.TERMINATED: NUMBER[State.TERMINATED],
    Ending.CANCELED: NUMBER[State.CANCELED], Ending.TIMED_OUT: NUMBER[State.TIMED_OUT],
}  # fmt: skip
_RETRIED: Final = (Ending.TERMINATED, Ending.TIMED_OUT)


def refuse_too_many(outcomes: Sequence[Outcome]) -> None:
    """Raise ConfigError for an outcome with more than `MAX_FOLLOWUPS`, before anything is done."""
    for outcome in outcomes:
        number = len(outcome.followups)
        if number > MAX_FOLLOWUPS:
            raise ConfigError(
                f"settle() of instance {outcome.id!r} with {number} follow-ups: at most {MAX_FOLLOWUPS} go into one "
                "step; enqueue the others by themselves"
            )


def settle(step: Step, outcomes: Sequence[Outcome]) -> list[SettleAnswer]:
    """Apply `outcomes` in order. O(log n) each."""
    alive: dict[str, bool] = {}
    return [_settle(step, outcome, alive) for outcome in outcomes]


def _settle(step: Step, outcome: Outcome, alive: dict[str, bool]) -> SettleAnswer:
    entry = step.entry(outcome.id)
    if entry is None:
        return SettleAnswer("lost", None)
    state = STATES[entry.state]
    if entry.token != outcome.token or entry.state != PROCESSING:
        return SettleAnswer("already" if 0 < outcome.token == entry.settled else "lost", state)
    worker = entry.worker or ""
    if worker not in alive:
        alive[worker] = step.one(_WORKER, "claims", step.ns, worker) is not None
    if not alive[worker]:  # it is dead; what it held is not taken back yet
        return SettleAnswer("lost", state)
    entry.settled = outcome.token
    _end(step, entry, outcome)
    if outcome.followups:
        enqueue(step, outcome.followups)
    return SettleAnswer("done", STATES[entry.state])


def _end(step: Step, entry: Entry, outcome: Outcome) -> None:
    state = _FINAL.get(outcome.ending)
    if state is None:
        if outcome.ending is Ending.CRASHED:
            crash(step, entry, outcome.error)
        else:
            release(step, entry)
    elif outcome.retry_after_ms is None or outcome.ending not in _RETRIED:
        finish(step, entry, state, entry.worker, outcome.reason, outcome.error, outcome.result)
    elif entry.cancel:
        finish(step, entry, CANCELED, entry.worker)
    else:
        move(step, entry, state, entry.worker, outcome.reason, outcome.error)
        entry.error = None if outcome.error is None else encode(outcome.error)
        requeue(step, entry, step.now_ms + outcome.retry_after_ms)
