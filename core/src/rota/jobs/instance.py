"""An instance as its user holds it: a frozen snapshot, and a handle."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, ParamSpec, Protocol, cast, final
from uuid import UUID

from typing_extensions import TypeVar

from rota.engine.arguments import ArgumentPlan, OpenPlan
from rota.jobs.blocking import refuse_blocking
from rota.jobs.streaming import streamed
from rota.jobs.views import LogLine, Transition, job_error, optional_instant, unraised
from rota.model.duration import Duration, from_ms, to_seconds
from rota.model.errors import JobError
from rota.model.ids import id_to_uuid
from rota.model.records import LogPage, Snapshot, TransitionRecord
from rota.model.state import State

__all__ = ["Instance", "InstanceSource"]

R_co = TypeVar("R_co", covariant=True)
P = ParamSpec("P")
T = TypeVar("T")

_FOLLOW_MS = 1_000
_INSTEAD = (
    "await one.aresult() or ajoin() in an async def, or let what needs the result depend on the call: "
    "then.schedule(first.call(...).output)"
)
_NONE = b"\xc0"  # msgpack of None


class InstanceSource(Protocol):
    """Where instances come from: what a client offers to the handles it makes. Ids as 32 hex digits."""

    def snapshot(self, instance_id: str) -> Snapshot:
        """The instance as it stands now. Raises UnknownInstance."""
        ...

    def snapshots(self, ids: Sequence[str]) -> list[Snapshot]:
        """Instances as they stand now, in order; those that are not there are left out."""
        ...

    def final_snapshot(self, instance_id: str, timeout_s: float | None) -> Snapshot:
        """The instance once it is final. Raises TimeoutError, UnknownInstance."""
        ...

    async def afinal_snapshot(self, instance_id: str, timeout_s: float | None) -> Snapshot:
        """The same, holding no thread while it waits."""
        ...

    def cancel_one(self, instance_id: str) -> bool:
        """Ask for its end; False when it is final already."""
        ...

    def transitions(self, instance_id: str) -> tuple[TransitionRecord, ...]:
        """Its history. Raises UnknownInstance."""
        ...

    def log_page(self, instance_id: str, position: int, timeout_ms: int) -> LogPage:
        """Lines from a position on, waiting up to `timeout_ms` for the first. Raises UnknownInstance."""
        ...

    def plan_of(self, kind: str) -> ArgumentPlan | OpenPlan:
        """How arguments and result of a kind read."""
        ...

    async def offload(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking call beside the event loop."""
        ...


@final
class Instance(Generic[R_co]):
    """One queued or executed run. Attributes are as of the read and never touch the store; methods do."""

    __slots__ = ("_duplicate", "_snapshot", "_source")

    def __init__(self, source: InstanceSource, snapshot: Snapshot, duplicate: bool = False) -> None:
        self._source = source
        self._snapshot = snapshot
        self._duplicate = duplicate

    # ---- as of the read ----------------------------------------------------------------------

    @property
    def id(self) -> UUID:
        """Its identity, a UUIDv7: ids sort by creation."""
        return id_to_uuid(self._snapshot.record.id)

    @property
    def kind(self) -> str:
        """The name of its job."""
        return self._snapshot.record.kind

    @property
    def state(self) -> State:
        """Where it stands."""
        return self._snapshot.state

    @property
    def attempt(self) -> int:
        """The number of its current or last attempt, from 1; 0 before the first."""
        return self._snapshot.attempt

    @property
    def arguments(self) -> Mapping[str, object]:
        """Its arguments by parameter name, as plain data where the job is not known here. What another instance
        returns stands there as an output of that."""
        plan = self._source.plan_of(self.kind)
        return MappingProxyType(plan.named(*plan.decode(self._snapshot.record.arguments)))

    @property
    def created_at(self) -> datetime:
        """When it was scheduled, by the clock of who did."""
        return from_ms(self._snapshot.record.created_ms)

    @property
    def due_at(self) -> datetime:
        """When it may start, by the store's clock; of one that waits for others, when it was scheduled."""
        return from_ms(self._snapshot.due_ms)

    @property
    def started_at(self) -> datetime | None:
        """When a worker last took it."""
        return optional_instant(self._snapshot.started_ms)

    @property
    def ended_at(self) -> datetime | None:
        """When it became final."""
        return optional_instant(self._snapshot.ended_ms)

    @property
    def progress(self) -> float | None:
        """The fraction that it last reported, 0 to 1; of one that waits for others, the part of them that have
        ended."""
        return self._snapshot.progress

    @property
    def error(self) -> JobError | None:
        """Why it ended without success; while it waits for a retry, why its last attempt did."""
        snapshot = self._snapshot
        if snapshot.error is not None:
            return job_error(snapshot.error, self.id)
        if not snapshot.state.final or snapshot.state is State.COMPLETED:
            return None
        return unraised(snapshot.state, self.kind, snapshot.reason, self.id)

    @property
    def schedule(self) -> str | None:
        """The recurring rule that fired it."""
        return self._snapshot.record.schedule

    @property
    def slot(self) -> datetime | None:
        """The nominal time of that rule, before jitter."""
        return optional_instant(self._snapshot.record.slot_ms)

    @property
    def unique_key(self) -> str | None:
        """The key under which no second one may live."""
        return self._snapshot.record.unique_key

    @property
    def duplicate(self) -> bool:
        """True when the schedule call found this one, live, with its unique key, and added none."""
        return self._duplicate

    @property
    def retry_of(self) -> UUID | None:
        """The failed instance that it was made to retry."""
        first = self._snapshot.record.retry_of
        return None if first is None else id_to_uuid(first)

    # ---- asking the store --------------------------------------------------------------------

    def result(self, timeout: Duration | None = None) -> R_co:
        """Wait for the end and answer what the job returned.

        Raises: JobFailed, JobTimedOut, JobCanceled or JobCrashed as it ended; TimeoutError when it has
        not ended within `timeout`; ConfigError inside a job, where waiting for another can deadlock.
        """
        return self.join(timeout).outcome()

    async def aresult(self, timeout: Duration | None = None) -> R_co:
        """`result`, awaited; holds no thread meanwhile."""
        return (await self.ajoin(timeout)).outcome()

    def join(self, timeout: Duration | None = None) -> "Instance[R_co]":
        """Wait for the end, whatever it is; the instance as it ended. Raises TimeoutError."""
        refuse_blocking("Instance.result() and join()", _INSTEAD)
        return self._with(self._source.final_snapshot(self._snapshot.record.id, _seconds(timeout)))

    async def ajoin(self, timeout: Duration | None = None) -> "Instance[R_co]":
        """`join`, awaited; holds no thread meanwhile."""
        return self._with(await self._source.afinal_snapshot(self._snapshot.record.id, _seconds(timeout)))

    def outcome(self) -> R_co:
        """What the job returned, of a snapshot that is final already; raises as `result` does."""
        snapshot = self._snapshot
        if snapshot.state is State.COMPLETED:
            result = self._source.plan_of(self.kind).decode_result(snapshot.result or _NONE)
            return cast(R_co, result)
        if not snapshot.state.final:
            raise JobError(f"instance {self.id} of {self.kind!r} is {snapshot.state.value} and has no outcome yet")
        error = self.error or JobError(instance_id=self.id)
        error.add_note(f"in the job {self.kind!r}, instance {self.id}\n{error.traceback}".rstrip())
        raise error

    def refresh(self) -> "Instance[R_co]":
        """The instance as it stands now. Raises UnknownInstance once it was purged."""
        return self._with(self._source.snapshot(self._snapshot.record.id))

    async def arefresh(self) -> "Instance[R_co]":
        """`refresh`, awaited."""
        return await self._source.offload(self.refresh)

    def cancel(self) -> bool:
        """Cancel it: at once while queued, by request while running. False when it had ended."""
        return self._source.cancel_one(self._snapshot.record.id)

    async def acancel(self) -> bool:
        """`cancel`, awaited."""
        return await self._source.offload(self.cancel)

    def parents(self) -> "list[Instance[Any]]":
        """The instances that it depends on, as they stand now; those that were purged are left out."""
        found = self._source.snapshots(self._snapshot.record.depends_on)
        return [Instance(self._source, snapshot) for snapshot in found]

    async def aparents(self) -> "list[Instance[Any]]":
        """`parents`, awaited."""
        return await self._source.offload(self.parents)

    def history(self) -> list[Transition]:
        """The states it went through, oldest first: all of them up to 64, else the first 2 and the last 62."""
        instance_id = self._snapshot.record.id
        return [Transition.of(record, instance_id) for record in self._source.transitions(instance_id)]

    async def ahistory(self) -> list[Transition]:
        """`history`, awaited."""
        return await self._source.offload(self.history)

    def logs(self, *, follow: bool = False) -> Iterator[LogLine]:
        """What it logged, oldest first; with `follow` on and on, until it is final."""
        position, done = 0, False
        while not done:
            page = self._source.log_page(self._snapshot.record.id, position, _FOLLOW_MS if follow else 0)
            yield from map(LogLine.of, page.lines)
            position, done = page.position, not page.lines and (page.final or not follow)

    async def alogs(self, *, follow: bool = False) -> AsyncIterator[LogLine]:
        """`logs`, awaited."""
        async for line in streamed(self.logs(follow=follow)):
            yield line

    def _with(self, snapshot: Snapshot) -> "Instance[R_co]":
        return Instance(self._source, snapshot, self._duplicate)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Instance) and self._snapshot == other._snapshot

    def __hash__(self) -> int:
        return hash(self._snapshot.record.id)

    def __repr__(self) -> str:
        return f"<Instance {self.kind} {self.id} {self.state.value}>"


def _seconds(timeout: Duration | None) -> float | None:
    return None if timeout is None else to_seconds(timeout, "timeout")
