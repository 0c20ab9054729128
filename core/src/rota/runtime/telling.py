"""Tells `on_state_change` processors of what was committed, for each instance in the order of its history."""

from collections.abc import Mapping
from threading import Lock
from typing import Final

from rota.jobs.views import Transition
from rota.model.clock import Clock
from rota.model.records import Ending, ErrorRecord, Outcome, SettleAnswer, TransitionRecord
from rota.model.state import State
from rota.runtime.attempt import Attempt
from rota.runtime.processors import ProcessorThread
from rota.runtime.verdict import Judge

__all__ = ["Telling"]

_STATE_AFTER: Final = {
    Ending.COMPLETED: State.COMPLETED,
    Ending.TERMINATED: State.TERMINATED,
    Ending.CANCELED: State.CANCELED,
    Ending.TIMED_OUT: State.TIMED_OUT,
    Ending.CRASHED: State.SCHEDULED,
    Ending.RELEASED: State.SCHEDULED,
}


class Telling:
    """Starts are known to the dispatcher, ends to the settler, and a retry may be claimed before its failed attempt
    was told of: its start waits for that. Costs nothing for kinds without such processors."""

    def __init__(self, judges: Mapping[str, Judge], processors: ProcessorThread, clock: Clock) -> None:
        self._judges = judges
        self._processors = processors
        self._clock = clock
        self._lock = Lock()
        self._started: dict[str, Attempt] = {}  # by instance: the last one whose start was told
        self._waiting: dict[str, Attempt] = {}  # and the one whose start is to be told after its end

    def started(self, attempt: Attempt) -> None:
        """It was claimed."""
        if not self._wanted(attempt):
            return
        instance_id = attempt.claim.record.id
        with self._lock:
            before = self._started.get(instance_id)
            if before is not None and before.interruption != "lost":
                self._waiting[instance_id] = attempt
            else:
                self._tell_start(attempt)

    def settled(self, attempt: Attempt, outcome: Outcome, answer: SettleAnswer) -> None:
        """Its outcome was answered; one that came too late is no change."""
        if not self._wanted(attempt):
            return
        with self._lock:
            if self._waiting.get(outcome.id) is attempt:
                self._tell_start(self._waiting.pop(outcome.id))
            if answer.status != "lost":
                self._tell_end(attempt, outcome, answer)
            if self._started.get(outcome.id) is attempt:
                del self._started[outcome.id]
                if outcome.id in self._waiting:
                    self._tell_start(self._waiting.pop(outcome.id))

    def _wanted(self, attempt: Attempt) -> bool:
        return bool(self._judges[attempt.definition.kind].chain.on_state_change)

    def _tell_start(self, attempt: Attempt) -> None:
        self._started[attempt.claim.record.id] = attempt
        self._tell(attempt, State.PROCESSING)

    def _tell_end(self, attempt: Attempt, outcome: Outcome, answer: SettleAnswer) -> None:
        if answer.state is State.CANCELED:  # what would go back to the queue loses against a requested cancel
            self._tell(attempt, State.CANCELED, error=outcome.error if outcome.ending is Ending.CANCELED else None)
            return
        self._tell(attempt, _STATE_AFTER[outcome.ending], outcome.reason, outcome.error)
        if outcome.retry_after_ms is not None:
            self._tell(attempt, State.SCHEDULED)

    def _tell(
        self, attempt: Attempt, state: State, reason: str | None = None, error: ErrorRecord | None = None
    ) -> None:
        record = TransitionRecord(state, self._clock.now_ms(), attempt.number, attempt.worker, reason, error)
        transition = Transition.of(record, attempt.claim.record.id)
        chain = self._judges[attempt.definition.kind].chain
        self._processors.submit(lambda: chain.changed(attempt.instance_in(state), transition))
