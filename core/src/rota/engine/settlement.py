"""What becomes of an instance as its attempt ends: the decisions of `settle` and `reap`, for every store."""

from typing import Final

import msgspec

from rota.model.records import Ending, ErrorRecord, Outcome, SettleAnswer
from rota.model.state import State

__all__ = ["DONE", "GONE", "Settlement", "crashed", "refused", "released", "settlement"]

_FINAL: Final = {
    Ending.COMPLETED: State.COMPLETED, Ending.TERMINATED: State.TERMINATED,
    Ending.CANCELED: State.CANCELED, Ending.TIMED_OUT: State.TIMED_OUT,
}  # fmt: skip
_RETRIED: Final = frozenset({Ending.TERMINATED, Ending.TIMED_OUT})
_ALREADY: Final = {state: SettleAnswer("already", state) for state in State}
_LOST: Final = {state: SettleAnswer("lost", state) for state in State}
DONE: Final = {state: SettleAnswer("done", state) for state in State}  #: the answer of an outcome that was applied
GONE: Final = SettleAnswer("lost", None)  #: the answer for an instance that is not here


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """The history gets `state`, with `reason` and `error`; it is final unless `due_in_ms` is given: then the instance
    goes back to the queue, due that long from now. `counts` tells whether the attempt counts."""

    state: State
    reason: str | None = None
    error: ErrorRecord | None = None
    due_in_ms: int | None = None
    counts: bool = True


_CANCELED: Final = Settlement(State.CANCELED)
_RELEASED: Final = Settlement(State.SCHEDULED, "released", None, 0, counts=False)


def refused(outcome: Outcome, state: State, token: int, settled: int, alive: bool) -> SettleAnswer | None:
    """Why an outcome changes nothing, None when it is to be applied: only the holder's is, under the current token, and
    only until it is reaped. `token` and `settled` are the instance's last and its last settled one."""
    if token != outcome.token or state is not State.PROCESSING:
        return _ALREADY[state] if 0 < outcome.token == settled else _LOST[state]  # 0 is nobody's token
    return None if alive else _LOST[state]  # the holder is dead; what it held is not taken back yet


def settlement(outcome: Outcome, canceled: bool, crashes: int, max_crashes: int, worker: str | None) -> Settlement:
    """What follows an outcome of an instance that has crashed `crashes` times before. `canceled`: a cancel was
    requested; whatever would go back to the queue then ends."""
    ending = outcome.ending
    if ending is Ending.RELEASED:
        return released(canceled)
    if ending is Ending.CRASHED:
        return crashed(canceled, crashes + 1, max_crashes, worker, outcome.error)
    if outcome.retry_after_ms is None or ending not in _RETRIED:
        return Settlement(_FINAL[ending], outcome.reason, outcome.error)
    if canceled:
        return _CANCELED
    return Settlement(_FINAL[ending], outcome.reason, outcome.error, outcome.retry_after_ms)


def released(canceled: bool) -> Settlement:
    """What follows when a worker gives an instance back."""
    return _CANCELED if canceled else _RELEASED


def crashed(
    canceled: bool, crashes: int, max_crashes: int, worker: str | None, error: ErrorRecord | None = None
) -> Settlement:
    """What follows when a worker or its child died under an instance, for the `crashes`th time: back to the queue, or
    its end as poison beyond `max_crashes`."""
    if crashes > max_crashes:
        return Settlement(State.TERMINATED, "poison", error or _poison(crashes, max_crashes, worker))
    return _CANCELED if canceled else Settlement(State.SCHEDULED, "crashed", error, 0, counts=False)


def _poison(crashes: int, max_crashes: int, worker: str | None) -> ErrorRecord:
    message = f"the worker died under this instance {crashes} times, last {worker}; max_crashes is {max_crashes}"
    return ErrorRecord("crashed", "JobCrashed", message)
