"""A client on a store: each method is one question or one order to the contract."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import Any, Final, Literal, ParamSpec, Self, TypeVar
from uuid import UUID

import msgspec

from rota.client.connection import Connection
from rota.client.environment import Environment
from rota.client.finals import Finals
from rota.client.published import PublishedKinds
from rota.client.requests import Requests, chunks
from rota.client.twins import ClientTwins, offload
from rota.engine.arguments import ArgumentPlan, OpenPlan
from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.engine.rank import RankFunction
from rota.engine.slots import first_slot
from rota.engine.trigger import trigger_record
from rota.jobs.call import Call
from rota.jobs.definition import Definition
from rota.jobs.instance import Instance
from rota.jobs.job import Job
from rota.jobs.jobs import DeclaredSchedule
from rota.jobs.views import Page, Schedule, WorkerInfo
from rota.model.errors import ConfigError, QueryError, StoreError, UnknownInstance
from rota.model.ids import id_to_uuid, uuid_to_id
from rota.model.name import check_name
from rota.model.query import LogFilter, PurgeFilter, Query
from rota.model.records import EnqueueAnswer, InstanceRecord, LogPage, ScheduleRecord, Snapshot, TransitionRecord
from rota.model.state import FINAL_STATES, State
from rota.store.contract import MAX_BATCH, Store

__all__ = ["StoreClient"]

P = ParamSpec("P")
R = TypeVar("R")

_LIVE: Final = frozenset(State) - FINAL_STATES
_UNSUCCESSFUL: Final = frozenset({State.TERMINATED, State.TIMED_OUT})
_ANY: Final = Query()


class StoreClient(ClientTwins):
    """A `Client` near its store. `definition` finds a kind's definition where it is known here."""

    def __init__(
        self,
        connection: Connection,
        environment: Environment,
        rank: Callable[[], RankFunction],
        definition: Callable[[str], Definition | None],
    ) -> None:
        self.__dict__.pop("_requests", None)  # made for another connection
        self._connection = connection
        self._environment = environment
        self._definition = definition
        self._rank = rank
        clock = environment.clock
        self._published = PublishedKinds(lambda: self._store.kinds(), clock)
        self._finals = Finals(lambda: self._store, clock, f"finals-{environment.ids.one()}")

    @property
    def _store(self) -> Store:
        return self._connection.store

    @cached_property
    def _requests(self) -> Requests:
        environment = self._environment
        return Requests(environment.ids, environment.rng, environment.clock.now_ms, self._rank(), self._published)

    # ---- scheduling --------------------------------------------------------------------------

    def schedule(self, call: Call[R], /) -> Instance[R]:
        """Add one instance. With a unique key that a live one holds, that one, marked `duplicate`."""
        return self._enqueue([call])[0]

    def schedule_many(self, calls: Iterable[Call[R]], /, *, batch: int = 1000) -> list[Instance[R]]:
        """Add many, `batch` at a time (1 to 1,000); one instance for each call, in order. When `calls` itself
        raises, the batches before stay scheduled."""
        if not 1 <= batch <= MAX_BATCH:
            raise ConfigError(f"schedule_many(batch) must be 1 to {MAX_BATCH}; got {batch!r}")
        found: list[Instance[R]] = []
        for chunk in chunks(calls, batch):
            found.extend(self._enqueue(chunk))
        return found

    def _enqueue(self, calls: list[Call[R]]) -> list[Instance[R]]:
        store = self._store
        records = self._requests.records(calls, store.capabilities.max_payload_bytes)
        return self._added(records, store.enqueue(records))

    def _added(self, records: list[InstanceRecord], answers: list[EnqueueAnswer]) -> list[Instance[Any]]:
        scheduled, found = State.SCHEDULED, list[Instance[Any]]()
        holders = self._holders([answer.id for answer in answers if answer.status in ("duplicate", "exists")])
        for record, answer in zip(records, answers, strict=True):
            if answer.status == "added":
                found.append(Instance(self, Snapshot(record=record, state=scheduled, due_ms=answer.due_ms)))
            elif answer.status == "refused":
                raise StoreError(f"the store refused an instance of {record.kind!r}: {answer.error}")
            else:
                holder = holders.get(answer.id) or _gone(record, answer)
                found.append(Instance(self, holder, answer.status == "duplicate"))
        return found

    def _holders(self, ids: list[str]) -> dict[str, Snapshot]:
        """Those that stood in the way of new ones."""
        if not ids:
            return {}
        return {snapshot.record.id: snapshot for snapshot in self._store.get(ids) if snapshot is not None}

    def remote(self, kind: str, /) -> Job[..., Any]:
        """A handle to a kind this process doesn't define; nothing is checked before the worker."""
        check_name("remote(kind)", kind)
        return Job(Definition(kind, None, OpenPlan(kind), executor=""), _Bound(self))

    # ---- observation -------------------------------------------------------------------------

    def get(self, id: UUID, /) -> Instance[Any]:
        """The instance with that id. Raises UnknownInstance."""
        if not isinstance(id, UUID):
            raise QueryError(f"get(id) takes a uuid.UUID; got {id!r} (try uuid.UUID(...))")
        return Instance(self, self.snapshot(uuid_to_id(id)))

    def find(self, query: Query = _ANY, /, *, limit: int = 100, cursor: str | None = None) -> Page[Instance[Any]]:
        """A page of what matches, by creation. It may be short: only `next_cursor is None` ends.

        Raises: QueryError for a cursor that is none, or a limit that is not 1 to 1,000.
        """
        if not 1 <= limit <= MAX_BATCH:
            raise QueryError(f"find(limit) must be 1 to {MAX_BATCH}; got {limit!r}")
        if query.selects_none:
            return Page((), None)
        page = self._store.find(query.to_filter(), cursor, limit)
        return Page((Instance(self, snapshot) for snapshot in page.items), page.cursor)

    def scan(self, query: Query = _ANY, /) -> Iterator[Instance[Any]]:
        """All that matches, page by page."""
        return (Instance(self, snapshot) for page in self._pages(query) for snapshot in page)

    def count(self, query: Query = _ANY, /) -> int:
        """How many match."""
        return 0 if query.selects_none else self._store.count(query.to_filter())

    def workers(self) -> list[WorkerInfo]:
        """The live workers."""
        return [WorkerInfo.of(record) for record in self._store.workers()]

    def _pages(self, query: Query) -> Iterator[tuple[Snapshot, ...]]:
        cursor: str | None = None
        while not query.selects_none:
            page = self._store.find(query.to_filter(), cursor, MAX_BATCH)
            if page.items:
                yield page.items
            if page.cursor is None:
                return
            cursor = page.cursor

    # ---- control -----------------------------------------------------------------------------

    def cancel(self, query: Query, /) -> int:
        """Cancel what matches and is not final: the queued at once, the running by request. How many."""
        wanted = _narrowed(query, _LIVE)
        pages = ([snapshot.record.id for snapshot in page] for page in self._pages(wanted))
        answers = (answer for ids in pages for answer in self._store.cancel(ids, wanted.state))
        return sum(answer in ("canceled", "requested") for answer in answers)

    def retry(self, query: Query, /) -> int:
        """Schedule again, as new instances linked by `retry_of`, what matches and ended TERMINATED or TIMED_OUT
        (CANCELED too when the query names that state). How many."""
        wanted = _narrowed(query, _UNSUCCESSFUL if query.state is None else _UNSUCCESSFUL | {State.CANCELED})
        count = 0
        for page in self._pages(wanted):
            answers = self._store.enqueue([self._requests.again(snapshot.record) for snapshot in reversed(page)])
            count += sum(answer.status == "added" for answer in answers)
        return count

    def purge(self, query: Query, /) -> int:
        """Remove what matches and is final, with its history and log. How many."""
        pages = ([snapshot.record.id for snapshot in page] for page in self._pages(_narrowed(query, FINAL_STATES)))
        return sum(self._store.purge(PurgeFilter(ids=tuple(ids)), MAX_BATCH) for ids in pages)

    def pause(self, *kinds: str) -> None:
        """Let no worker start these kinds until `resume`; what runs goes on."""
        self._store.pause(kinds)

    def resume(self, *kinds: str) -> None:
        """Undo `pause`."""
        self._store.resume(kinds)

    # ---- recurring rules ---------------------------------------------------------------------

    def put_schedule(
        self,
        name: str,
        trigger: Cron | Every,
        call: Call[Any],
        *,
        misfire: Literal["latest", "skip", "all"] = "latest",
        overlap: Literal["skip", "allow"] = "skip",
    ) -> Schedule:
        """Add or change a recurring rule of that name; its first slot comes after now."""
        record = self.schedule_record(DeclaredSchedule(name, trigger, call, misfire, overlap), self._store.now_ms())
        return Schedule.of(self._store.put_schedule(record))

    def schedule_record(self, rule: DeclaredSchedule, now_ms: int) -> ScheduleRecord:
        """The stored form of a rule, without owner, whose first slot comes after `now_ms`."""
        return ScheduleRecord(
            name=rule.name,
            trigger=trigger_record(rule.trigger),
            template=self._requests.template(rule.call, self._store.capabilities.max_payload_bytes),
            misfire=rule.misfire,
            overlap=rule.overlap,
            next_slot_ms=first_slot(rule.trigger, now_ms),
        )

    def drop_schedule(self, name: str, /) -> bool:
        """Forget the rules of that name; False when there was none. One declared in code comes back while
        a worker that declares it lives."""
        owners = [record.owner for record in self._store.schedules() if record.name == name]
        return sum(self._store.drop_schedule(name, owner) for owner in owners) > 0

    def schedules(self) -> list[Schedule]:
        """All rules, by name."""
        return [Schedule.of(record) for record in self._store.schedules()]

    # ---- what instances ask (`InstanceSource`) -----------------------------------------------

    async def offload(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a blocking call beside the event loop."""
        return await offload(function, *args, **kwargs)

    def snapshot(self, instance_id: str) -> Snapshot:
        """The instance as it stands now. Raises UnknownInstance."""
        (snapshot,) = self._store.get([instance_id])
        return _there(snapshot, instance_id)

    def final_snapshot(self, instance_id: str, timeout_s: float | None) -> Snapshot:
        """The instance once it is final. Raises TimeoutError, UnknownInstance."""
        self._finals.wait(instance_id, timeout_s)
        return self.snapshot(instance_id)

    async def afinal_snapshot(self, instance_id: str, timeout_s: float | None) -> Snapshot:
        """The same, holding no thread while it waits."""
        await self._finals.await_(instance_id, timeout_s)
        return await offload(self.snapshot, instance_id)

    def cancel_one(self, instance_id: str) -> bool:
        """Ask for its end; False when it is final already. Raises UnknownInstance."""
        (answer,) = self._store.cancel([instance_id])
        if answer == "missing":
            _there(None, instance_id)
        return answer in ("canceled", "requested")

    def transitions(self, instance_id: str) -> tuple[TransitionRecord, ...]:
        """Its history. Raises UnknownInstance."""
        (history,) = self._store.history([instance_id])
        return _there(history, instance_id).entries

    def log_page(self, instance_id: str, position: int, timeout_ms: int) -> LogPage:
        """Lines from a position on, waiting up to `timeout_ms` for the first. Raises UnknownInstance."""
        return self._store.logs(LogFilter(id=instance_id, position=position), timeout_ms)

    def plan_of(self, kind: str) -> ArgumentPlan | OpenPlan:
        """How arguments and result of a kind read."""
        definition = self._definition(kind)
        return OpenPlan(kind) if definition is None else definition.plan

    # ---- life cycle --------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the connection. The next call connects anew."""
        self._connection.close()

    def __enter__(self) -> Self:
        _ = self._store
        return self

    def __exit__(self, t: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None, /) -> None:
        self.close()


class _Bound:
    """Binds a remote job to the client that was asked for it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def client_for(self, kind: str) -> Any:
        return self._client


def _gone(record: InstanceRecord, answer: EnqueueAnswer) -> Snapshot:
    """One that held the unique key, ended, and was purged since."""
    record = msgspec.structs.replace(record, id=answer.id)
    return Snapshot(record=record, state=State.CANCELED, due_ms=answer.due_ms, reason="duplicate")


def _narrowed(query: Query, states: frozenset[State]) -> Query:
    """The same, of `states` alone; newest first, so that what comes in meanwhile is never met."""
    state = states if query.state is None else query.state & states
    return replace(query, state=state, newest_first=True)


def _there(found: R | None, instance_id: str) -> R:
    if found is None:
        raise UnknownInstance(f"no instance {id_to_uuid(instance_id)} here: it never was, or it was purged")
    return found
