"""All that one namespace of the model holds, and the moves that several operations share."""

from dataclasses import dataclass, field
from fractions import Fraction

from rota.model.records import Claim, Document, ErrorRecord, KindDescriptor, LogRecord, ScheduleRecord, WorkerRecord
from rota.model.state import State
from rota_conformance.model.instance import Instance

__all__ = ["Book", "Working"]


@dataclass(slots=True)
class Working:
    """One live worker: what it said last, the end of its lease, its last claim, and the slots it was asked for."""

    info: WorkerRecord
    lease_end_ms: int
    seq: int = 0
    answer: list[Claim] = field(default_factory=list)
    asked: int | None = None


@dataclass(slots=True)
class Book:
    """`full` is, by kind and lane (None: the gate), when its bucket would be full again, in milliseconds."""

    instances: dict[str, Instance] = field(default_factory=dict)
    workers: dict[str, Working] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)
    kinds: dict[str, KindDescriptor] = field(default_factory=dict)
    schedules: dict[tuple[str, str], ScheduleRecord] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    lines: dict[str, list[LogRecord]] = field(default_factory=dict)
    progress: dict[str, LogRecord] = field(default_factory=dict)
    full: dict[tuple[str, str | None], Fraction] = field(default_factory=dict)
    token: int = 0
    version: int = 0

    def held_by(self, worker: str) -> list[Instance]:
        """What a worker holds, by id."""
        held = [one for one in self.instances.values() if one.state is State.PROCESSING and one.worker == worker]
        return sorted(held, key=lambda one: one.id)

    def end(
        self,
        one: Instance,
        state: State,
        now_ms: int,
        worker: str | None = None,
        reason: str | None = None,
        error: ErrorRecord | None = None,
        result: bytes | None = None,
    ) -> None:
        """Make it final; then its dependents learn of it."""
        one.move(state, now_ms, worker, reason, error)
        one.ended_ms, one.error, one.result, one.orphan = now_ms, error, result, False
        for child in sorted(self.instances.values(), key=lambda child: child.id):
            if child.state is State.CREATED and one.id in child.left:
                child.left.discard(one.id)
                self.look_at_parents(child, now_ms)

    def look_at_parents(self, child: Instance, now_ms: int) -> None:
        """Cancel it for a parent that failed, release it when none is left, else let it wait."""
        ended = [self.instances[parent] for parent in child.record.depends_on if parent not in child.left]
        failed = any(parent.state is not State.COMPLETED for parent in ended)
        if failed and child.record.on_parent_failure == "cancel":
            self.end(child, State.CANCELED, now_ms, reason="parent")
        elif not child.left:
            record = child.record
            child.due_ms = now_ms + record.delay_ms if record.due_ms is None else record.due_ms
            if record.expires_after_ms is not None:
                child.expires_ms = now_ms + record.expires_after_ms
            child.move(State.SCHEDULED, now_ms)

    def back(self, one: Instance, due_ms: int, now_ms: int, reason: str | None = None) -> None:
        """Queue it again; or end it, when a cancel was requested."""
        if one.cancel_requested:
            self.end(one, State.CANCELED, now_ms, one.worker)
            return
        worker, one.worker, one.due_ms, one.orphan = one.worker, None, due_ms, False
        one.move(State.SCHEDULED, now_ms, worker if reason else None, reason)

    def release(self, one: Instance, now_ms: int, reason: str = "released") -> None:
        """Queue it again, due now, its attempt not counted."""
        if not one.cancel_requested:
            one.attempt -= 1
        self.back(one, now_ms, now_ms, reason)

    def crash(self, one: Instance, now_ms: int, error: ErrorRecord | None = None) -> None:
        """Count a crash: queue it again, or end it as poison."""
        one.crashes += 1
        if one.crashes > one.record.max_crashes:
            poison = error or ErrorRecord("crashed", "JobCrashed", "poison")
            self.end(one, State.TERMINATED, now_ms, one.worker, "poison", poison)
        else:
            self.release(one, now_ms, "crashed")
