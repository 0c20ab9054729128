"""Tells `on_state_change` processors what this worker did: after the commit, an instance's changes in order."""

from collections.abc import Mapping
from threading import Lock
from typing import Final

from rota.jobs.views import Transition
from rota.model.clock import Clock
from rota.model.records import Ending, ErrorRecord, Outcome, SettleAnswer, TransitionRecord
from rota.model.state import State
from rota.runtime.attempt import Attempt
from rota.runtime.processors import ProcessorQueue
from rota.runtime.verdict import Judge

__all__ = ["StateChanges"]

_STATE_AFTER: Final = {
    Ending.COMPLETED: State.COMPLETED,
    Ending.TERMINATED: State.TERMINATED,
    Ending.CANCELED: State.CANCELED,
    Ending.TIMED_OUT: State.TIMED_OUT,
    Ending.RELEASED: State.SCHEDULED,
}


class StateChanges:
    """Only attempts of kinds with such processors come here. A retry may be claimed before the end of the attempt
    before it was told: its start waits for that."""

    def __init__(self, judges: Mapping[str, Judge], processors: ProcessorQueue, clock: Clock) -> None:
        self._judges = judges
        self._processors = processors
        self._clock = clock
        self._lock = Lock()
        self._begun: dict[str, Attempt] = {}  # by instance: the last one whose start was told
        self._waiting: dict[str, Attempt] = {}  # and the one whose start is told after the end of that

    def concern(self, attempt: Attempt) -> bool:
        """Whether anybody wants to know of this attempt."""
        return bool(self._judges[attempt.definition.kind].chain.on_state_change)

    def began(self, attempt: Attempt) -> None:
        """It was claimed."""
        with self._lock:
            before = self._begun.get(attempt.claim.record.id)
            if before is None or before.interruption == "lost":  # nothing will be told of a lost one's end
                self._tell_start(attempt)
            else:
                self._waiting[attempt.claim.record.id] = attempt

    def ended(self, attempt: Attempt, outcome: Outcome, answer: SettleAnswer) -> None:
        """It was settled, or came too late and is nobody's concern any more."""
        with self._lock:
            if self._waiting.get(outcome.id) is attempt:  # the one before it never ended
                self._tell_start(self._waiting.pop(outcome.id))
            if answer.status != "lost":
                self._tell_end(attempt, outcome, answer)
            if self._begun.get(outcome.id) is attempt:
                del self._begun[outcome.id]
                if outcome.id in self._waiting:
                    self._tell_start(self._waiting.pop(outcome.id))

    def _tell_start(self, attempt: Attempt) -> None:
        self._begun[attempt.claim.record.id] = attempt
        self._tell(attempt, State.PROCESSING)

    def _tell_end(self, attempt: Attempt, outcome: Outcome, answer: SettleAnswer) -> None:
        if answer.state is State.CANCELED:  # what would go back to the queue loses against a requested cancel
            self._tell(attempt, State.CANCELED, error=outcome.error if outcome.ending is Ending.CANCELED else None)
            return
        state = _STATE_AFTER.get(outcome.ending) or answer.state or State.SCHEDULED
        poison = outcome.ending is Ending.CRASHED and state is State.TERMINATED
        self._tell(attempt, state, "poison" if poison else outcome.reason, outcome.error)
        if outcome.retry_after_ms is not None:
            self._tell(attempt, State.SCHEDULED)

    def _tell(
        self, attempt: Attempt, state: State, reason: str | None = None, error: ErrorRecord | None = None
    ) -> None:
        record = TransitionRecord(state, self._clock.now_ms(), attempt.number, attempt.worker, reason, error)
        transition = Transition.of(record, attempt.claim.record.id)
        chain = self._judges[attempt.definition.kind].chain
        self._processors.submit(lambda: chain.changed(attempt.instance_in(state), transition))
