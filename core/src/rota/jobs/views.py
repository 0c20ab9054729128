"""What a user reads: frozen public forms of stored records, with aware datetimes and UUIDs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Generic, Literal, final, overload
from uuid import UUID

import msgspec
from typing_extensions import TypeVar

from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.engine.trigger import trigger_from
from rota.model.duration import from_ms
from rota.model.errors import JobCanceled, JobCrashed, JobError, JobFailed, JobTimedOut
from rota.model.ids import id_to_uuid
from rota.model.policy import Keep, Limit
from rota.model.records import Change as ChangeRecord
from rota.model.records import (
    ErrorRecord,
    KindDescriptor,
    LogRecord,
    ParameterRecord,
    ScheduleRecord,
    TransitionRecord,
    WorkerRecord,
)
from rota.model.records import KindStats as StatsRecord
from rota.model.state import State

__all__ = [
    "Change", "KindInfo", "KindStats", "LogLine", "Page", "Schedule", "Transition", "WorkerInfo", "job_error",
    "optional_instant", "unraised",
]  # fmt: skip

R_co = TypeVar("R_co", covariant=True)

_ERRORS: dict[str, type[JobError]] = {
    "failed": JobFailed,
    "timed_out": JobTimedOut,
    "canceled": JobCanceled,
    "crashed": JobCrashed,
}


def optional_instant(value_ms: int | None) -> datetime | None:
    """The datetime of milliseconds, where there are any."""
    return None if value_ms is None else from_ms(value_ms)


def job_error(record: ErrorRecord, instance_id: UUID) -> JobError:
    """The public error of a stored one."""
    return _ERRORS[record.category](
        record.message, instance_id=instance_id, type_name=record.type_name, traceback=record.traceback
    )


def unraised(state: State, kind: str, reason: str | None, instance_id: UUID) -> JobError:
    """The public error of an end in the queue, where nothing was raised."""
    error = {State.CANCELED: JobCanceled, State.TIMED_OUT: JobTimedOut}.get(state, JobFailed)
    why = f" ({reason})" if reason else ""
    return error(f"instance {instance_id} of {kind!r} is {state.value}{why}", instance_id=instance_id)


@final
class Transition(msgspec.Struct, frozen=True):
    """One entry of an instance's history. `attempt` counts from 1, 0 before the first."""

    state: State
    at: datetime
    attempt: int
    worker: str | None
    reason: str | None
    error: JobError | None

    @classmethod
    def of(cls, record: TransitionRecord, instance_id: str) -> "Transition":
        """The public form of a stored entry."""
        error = job_error(record.error, id_to_uuid(instance_id)) if record.error is not None else None
        return cls(record.state, from_ms(record.at_ms), record.attempt, record.worker, record.reason, error)


@final
class Change(msgspec.Struct, frozen=True):
    """One state change of one instance, as `watch` tells of it; `cursor` is where to go on after it."""

    instance_id: UUID
    kind: str
    transition: Transition
    cursor: str

    @classmethod
    def of(cls, record: ChangeRecord) -> "Change":
        """The public form of a stored change."""
        return cls(id_to_uuid(record.id), record.kind, Transition.of(record.transition, record.id), record.cursor)


@final
class LogLine(msgspec.Struct, frozen=True):
    """One line that a job logged; `level` as in `logging`."""

    at: datetime
    level: int
    message: str
    attempt: int

    @classmethod
    def of(cls, record: LogRecord) -> "LogLine":
        """The public form of a stored line."""
        return cls(from_ms(record.at_ms), record.level, record.message, record.attempt)


@final
class WorkerInfo(msgspec.Struct, frozen=True):
    """A live worker, as of its last beat."""

    name: str
    kinds: frozenset[str]
    concurrency: int
    running: int
    last_beat: datetime

    @classmethod
    def of(cls, record: WorkerRecord) -> "WorkerInfo":
        """The public form of a stored worker."""
        return cls(record.id, frozenset(record.kinds), record.concurrency, record.running, from_ms(record.beat_ms))


@final
class KindInfo(msgspec.Struct, frozen=True):
    """What workers published of a kind: how it is called, and its defaults.

    Each parameter tells `name`, `annotation`, `required`, `default` and `form`, all but `required` as text.
    """

    kind: str
    summary: str
    parameters: tuple[ParameterRecord, ...]
    returns: str
    executor: str
    priority: int
    timeout: timedelta | None
    max_retries: int
    max_crashes: int
    unique_key: str | None
    limits: tuple[Limit, ...]
    keep: Keep

    @classmethod
    def of(cls, record: KindDescriptor) -> "KindInfo":
        """The public form of a published kind."""
        return cls(
            kind=record.kind,
            summary=record.summary,
            parameters=record.parameters,
            returns=record.returns,
            executor=record.executor,
            priority=record.priority,
            timeout=None if record.timeout_ms is None else timedelta(milliseconds=record.timeout_ms),
            max_retries=record.max_retries,
            max_crashes=record.max_crashes,
            unique_key=record.unique_key,
            limits=tuple(map(Limit.of, record.limits)),
            keep=Keep.of(record.keep),
        )


@final
class KindStats(msgspec.Struct, frozen=True):
    """A kind in numbers. `counts` has the states in which there are any.

    `oldest_due` is the due time of the next to start, `next_due` of the next to become due; `held_back` are due,
    but a limit lets none of them start now.
    """

    kind: str
    counts: Mapping[State, int]
    oldest_due: datetime | None
    next_due: datetime | None
    held_back: int
    paused: bool

    @classmethod
    def of(cls, record: StatsRecord) -> "KindStats":
        """The public form of stored statistics."""
        return cls(
            kind=record.kind,
            counts=MappingProxyType(dict(record.counts)),
            oldest_due=optional_instant(record.oldest_due_ms),
            next_due=optional_instant(record.next_due_ms),
            held_back=record.held_back,
            paused=record.paused,
        )


@final
class Schedule(msgspec.Struct, frozen=True):
    """A recurring rule as it stands in the store. While it is paused it has no next slot."""

    name: str
    kind: str
    trigger: Cron | Every
    origin: Literal["code", "store"]
    owner: str | None
    revision: int | None
    paused: bool
    last_slot: datetime | None
    next_slot: datetime | None
    misfire: Literal["latest", "skip", "all"] = "latest"
    misfire_cap: int = 100
    overlap: Literal["skip", "allow"] = "skip"

    def next_slots(self, count: int = 5) -> list[datetime]:
        """The next slots from `next_slot` on, in UTC as that is, before jitter; none while the rule is paused, fewer
        when there are no more. Raises: ConfigError for a count that is no whole number, 0 or more."""
        if self.next_slot is None:
            return []
        following = self.trigger.next(self.next_slot, count)
        return [self.next_slot, *(slot.astimezone(UTC) for slot in following)][:count]

    @classmethod
    def of(cls, record: ScheduleRecord) -> "Schedule":
        """The public form of a stored rule."""
        return cls(
            name=record.name,
            kind=record.template.kind,
            trigger=trigger_from(record.trigger),
            origin="store" if record.owner is None else "code",
            owner=record.owner,
            revision=record.revision,
            paused=record.paused,
            last_slot=optional_instant(record.last_slot_ms),
            next_slot=None if record.paused else optional_instant(record.next_slot_ms),
            misfire=record.misfire,
            misfire_cap=record.misfire_cap,
            overlap=record.overlap,
        )


class Page(Sequence[R_co], Generic[R_co]):
    """Part of an answer. It may be short or empty: only `next_cursor is None` ends."""

    __slots__ = ("_items", "_next_cursor")

    def __init__(self, items: Iterable[R_co], next_cursor: str | None) -> None:
        self._items = tuple(items)
        self._next_cursor = next_cursor

    @property
    def next_cursor(self) -> str | None:
        """Where the next page starts; None at the end."""
        return self._next_cursor

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int, /) -> R_co: ...
    @overload
    def __getitem__(self, index: slice, /) -> Sequence[R_co]: ...
    def __getitem__(self, index: int | slice, /) -> R_co | Sequence[R_co]:
        return self._items[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Page) and (self._items, self._next_cursor) == (other._items, other._next_cursor)

    def __hash__(self) -> int:
        return hash((self._items, self._next_cursor))

    def __repr__(self) -> str:
        return f"Page({list(self._items)!r}, next_cursor={self._next_cursor!r})"
