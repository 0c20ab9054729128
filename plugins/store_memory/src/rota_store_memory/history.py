"""The history of an instance, kept as one flat tuple and read as records.

The first two entries, CREATED and SCHEDULED, follow from the times of the enqueue step and of the release,
mostly the same, and are not kept. The others stand one after the other in a tuple of `_WIDTH` atoms each: the
garbage collector lets go of such a tuple, a list of records would cost it a visit per change.
"""

from typing import Any, Final

from rota.model.records import ErrorRecord, History, TransitionRecord
from rota.model.state import State
from rota.store.contract import MAX_HISTORY
from rota_store_memory.entry import AT_ONCE, CREATED, SCHEDULED, Entry

__all__ = ["add_to_history", "number_of", "read_history", "transition"]

_WIDTH: Final = 6
_KEPT: Final = MAX_HISTORY[1] * _WIDTH
_STATES: Final = tuple(State)
# A number, not the member: members are tracked by the collector, and so is any tuple with one.
_NUMBERS: Final = {state: number for number, state in enumerate(_STATES)}
number_of: Final = _NUMBERS.__getitem__  #: the number by which a change keeps its state


def add_to_history(
    entry: Entry, state: State, at_ms: int, worker: str | None, reason: str | None, error: ErrorRecord | None
) -> None:
    """Append one change of `entry`; beyond the bound the oldest after the first two is dropped and counted."""
    history = entry.history
    if len(history) >= _KEPT:
        history = history[_WIDTH:]
        entry.dropped += 1
    entry.history = (*history, _NUMBERS[state], at_ms, entry.attempt, worker, reason, error)


def read_history(entry: Entry) -> History:
    """The history of `entry` as records, oldest first."""
    first = [TransitionRecord(CREATED, entry.enqueued_ms)]
    if entry.scheduled_ms is not None:
        at_once = entry.scheduled_ms == AT_ONCE
        first.append(TransitionRecord(SCHEDULED, entry.enqueued_ms if at_once else entry.scheduled_ms))
    flat = entry.history
    rest = (transition(*flat[at : at + _WIDTH]) for at in range(0, len(flat), _WIDTH))
    return History((*first, *rest), entry.dropped)


def transition(number: Any, *rest: Any) -> TransitionRecord:
    """One kept change as a record."""
    return TransitionRecord(_STATES[number], *rest)
