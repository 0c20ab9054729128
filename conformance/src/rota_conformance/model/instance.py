"""One instance as the model keeps it: every field in the open, the history as a list."""

from dataclasses import dataclass, field

from rota.model.records import ErrorRecord, History, InstanceRecord, Snapshot, TransitionRecord
from rota.model.state import State
from rota.store.contract import MAX_HISTORY

__all__ = ["Instance"]


@dataclass(slots=True)
class Instance:
    """`settled` are the tokens whose outcome was accepted, `left` the parents that have not ended; `orphan` says that
    its worker is dead and it was not taken back yet."""

    record: InstanceRecord
    enqueued_ms: int
    due_ms: int
    expires_ms: int | None = None
    state: State = State.CREATED
    attempt: int = 0
    token: int = 0
    settled: list[int] = field(default_factory=list)
    crashes: int = 0
    worker: str | None = None
    orphan: bool = False
    started_ms: int | None = None
    ended_ms: int | None = None
    reason: str | None = None
    error: ErrorRecord | None = None
    result: bytes | None = None
    cancel_requested: bool = False
    left: set[str] = field(default_factory=set)
    entries: list[TransitionRecord] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its id."""
        return self.record.id

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.record.kind

    @property
    def ready_order(self) -> tuple[int, int, str]:
        """What claims sort by."""
        return self.record.rank, self.due_ms, self.record.id

    def may_expire(self, now_ms: int) -> bool:
        """Whether its wait has been too long: it stands in the queue, was never claimed, and the time has come."""
        waits = self.state in (State.CREATED, State.SCHEDULED) and not self.token
        return waits and self.expires_ms is not None and self.expires_ms <= now_ms

    def move(
        self,
        state: State,
        at_ms: int,
        worker: str | None = None,
        reason: str | None = None,
        error: ErrorRecord | None = None,
    ) -> None:
        """Change the state and write it down, which is one thing."""
        self.state, self.reason = state, reason
        self.entries.append(TransitionRecord(state, at_ms, self.attempt, worker, reason, error))

    def history(self) -> History:
        """The entries, those in the middle left out and counted."""
        first, last = MAX_HISTORY
        dropped = max(0, len(self.entries) - first - last)
        return History((*self.entries[:first], *self.entries[first + dropped :]), dropped)

    def snapshot(self, progress: tuple[float | None, str]) -> Snapshot:
        """All that is told of it."""
        parents = len(self.record.depends_on)
        waiting = self.state is State.CREATED and parents
        return Snapshot(
            record=self.record,
            state=self.state,
            due_ms=self.due_ms,
            attempt=self.attempt,
            token=self.token,
            crashes=self.crashes,
            expires_ms=self.expires_ms,
            started_ms=self.started_ms,
            ended_ms=self.ended_ms,
            worker=self.worker,
            reason=self.reason,
            progress=(parents - len(self.left)) / parents if waiting else progress[0],
            progress_message=progress[1],
            cancel_requested=self.cancel_requested,
            result=self.result,
            error=self.error,
        )
