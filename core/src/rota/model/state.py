"""The states of an instance and the moves allowed between them."""

from enum import Enum
from typing import Final

__all__ = ["FINAL_STATES", "MOVES", "State"]


class State(Enum):
    """Where an instance stands; the last four are final."""

    CREATED = "created"
    SCHEDULED = "scheduled"
    PROCESSING = "processing"
    COMPLETED = "completed"
    TERMINATED = "terminated"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"

    # Enum hashes by name, in Python; states key the dictionaries of every hot path.
    __hash__ = object.__hash__

    @property
    def final(self) -> bool:
        """True when an instance in this state never changes again."""
        return self in FINAL_STATES


FINAL_STATES: Final = frozenset({State.COMPLETED, State.TERMINATED, State.CANCELED, State.TIMED_OUT})

#: The state machine: every history is a path through it. TERMINATED and TIMED_OUT lead on to
#: SCHEDULED inside one step only, when a failed attempt is retried.
MOVES: Final[dict[State | None, frozenset[State]]] = {
    None: frozenset({State.CREATED}),
    State.CREATED: frozenset({State.SCHEDULED, State.CANCELED}),
    State.SCHEDULED: frozenset({State.PROCESSING, State.CANCELED}),
    State.PROCESSING: FINAL_STATES | {State.SCHEDULED},
    State.COMPLETED: frozenset(),
    State.TERMINATED: frozenset({State.SCHEDULED}),
    State.CANCELED: frozenset(),
    State.TIMED_OUT: frozenset({State.SCHEDULED}),
}
