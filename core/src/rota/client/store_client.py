"""A client on a store: each method is one question or one order to the contract."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing
from functools import cached_property
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar
from uuid import UUID

import msgspec

from rota.client.connection import Connection
from rota.client.environment import Environment
from rota.client.finals import Finals
from rota.client.instance_source import StoreInstances
from rota.client.published import PublishedKinds
from rota.client.requests import Requests, chunks
from rota.client.rules import only_rule, rules_named, schedule_record, set_paused
from rota.client.scheduling import Scheduling
from rota.client.twins import ClientTwins, offload
from rota.client.watching import start_of, watched
from rota.engine.arguments import OpenPlan
from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.engine.rank import RankFunction
from rota.jobs.call import Call, check_calls
from rota.jobs.client import Client
from rota.jobs.definition import Definition
from rota.jobs.instance import Instance
from rota.jobs.job import Job
from rota.jobs.rule import DeclaredSchedule
from rota.jobs.streaming import streamed
from rota.jobs.views import Change, KindInfo, KindStats, Page, Schedule, WorkerInfo
from rota.model.concurrency import check_concurrency
from rota.model.errors import ConfigError, QueryError, StoreError
from rota.model.ids import uuid_to_id
from rota.model.name import check_name, refuse_system
from rota.model.query import PurgeFilter, Query, check_query, narrowed
from rota.model.records import EnqueueAnswer, InstanceRecord, Snapshot
from rota.model.state import FINAL_STATES, State
from rota.store.contract import MAX_BATCH, Store

__all__ = ["StoreClient", "store_beneath"]

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
        self._rank = rank
        clock = environment.clock
        self._published = PublishedKinds(lambda: self._store.kinds(), clock)
        finals = Finals(lambda: self._store, clock, f"finals-{environment.ids.one()}")
        self._source = StoreInstances(lambda: self._store, definition, finals)

    @property
    def _store(self) -> Store:
        return self._connection.store

    @cached_property
    def _requests(self) -> Requests:
        environment = self._environment
        return Requests(environment.ids, environment.rng, environment.clock.now_ms, self._rank(), self._published)

    # ---- scheduling --------------------------------------------------------------------------

    def schedule(self, call: Call[R], /) -> Instance[R]:
        """Add one instance, and those that it depends on. With a unique key that a live one holds, that one, marked
        `duplicate`."""
        return self._scheduling(MAX_BATCH).add([call])[0]

    def schedule_many(self, calls: Iterable[Call[R]], /, *, batch: int = 1000) -> list[Instance[R]]:
        """Add many, `batch` at a time (1 to 1,000); one instance for each call, in order. When `calls` itself
        raises, the batches before stay scheduled. The outputs of a call, in this list, are those of one instance.

        Raises: StoreError when the store refused some, for their size; the others of that batch are added all the
        same, so a unique key is what makes it safe to repeat.
        """
        if not isinstance(batch, int) or not 1 <= batch <= MAX_BATCH:
            raise ConfigError(f"schedule_many(batch) must be 1 to {MAX_BATCH}; got {batch!r}")
        found: list[Instance[R]] = []
        scheduling = self._scheduling(batch)
        for chunk in chunks(check_calls("schedule_many()", calls), batch):
            found.extend(scheduling.add(chunk))
        return found

    def _scheduling(self, batch: int) -> Scheduling:
        return Scheduling(self._store, self._requests, self._added, batch)

    def _added(self, records: list[InstanceRecord], answers: list[EnqueueAnswer]) -> list[Instance[Any]]:
        found: list[Instance[Any]] = []
        holders = self._holders([answer.id for answer in answers if answer.status in ("duplicate", "exists")])
        for record, answer in zip(records, answers, strict=True):
            if answer.status == "added":
                found.append(Instance(self._source, Snapshot(record=record, state=answer.state, due_ms=answer.due_ms)))
            elif answer.status == "refused":
                raise StoreError(f"the store refused an instance of {record.kind!r}: {answer.error}")
            else:
                holder = holders.get(answer.id) or _gone(record, answer)
                found.append(Instance(self._source, holder, answer.status == "duplicate"))
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
        return Instance(self._source, self._source.snapshot(uuid_to_id(id)))

    def find(self, query: Query = _ANY, /, *, limit: int = 100, cursor: str | None = None) -> Page[Instance[Any]]:
        """A page of what matches, by creation. It may be short: only `next_cursor is None` ends.

        Raises: QueryError for a cursor that is none, or a limit that is not 1 to 1,000.
        """
        if not isinstance(limit, int) or not 1 <= limit <= MAX_BATCH:
            raise QueryError(f"find(limit) must be 1 to {MAX_BATCH}; got {limit!r}")
        if cursor is not None and not isinstance(cursor, str):
            raise QueryError(f"find(cursor) takes Page.next_cursor of a page before; got {cursor!r}")
        if check_query("find()", query).selects_none:
            return Page((), None)
        page = self._store.find(query.to_filter(), cursor, limit)
        return Page((Instance(self._source, snapshot) for snapshot in page.items), page.cursor)

    def scan(self, query: Query = _ANY, /) -> Iterator[Instance[Any]]:
        """All that matches, page by page."""
        pages = self._pages(check_query("scan()", query))
        return (Instance(self._source, snapshot) for page in pages for snapshot in page)

    def watch(self, query: Query = _ANY, /, *, cursor: str | None = None) -> Iterator[Change]:
        """State changes as they happen, on and on, of the instances that match; from now, or after `cursor`.

        It ends when this client is closed. Raises: QueryError for a query by more than ids, kind, state, worker and
        reason; CursorExpired when changes after the cursor are no longer kept; UnsupportedFeature when the store
        tells of none.
        """
        return (change for changes in self._watched(query, cursor) for change in changes)

    async def awatch(self, query: Query = _ANY, /, *, cursor: str | None = None) -> AsyncIterator[Change]:
        """`watch`, awaited; "now" is when the first change is awaited."""
        async with aclosing(streamed(await offload(self._watched, query, cursor), ahead=1)) as pages:
            async for changes in pages:
                for change in changes:
                    yield change

    def _watched(self, query: Query, cursor: str | None) -> Iterator[list[Change]]:
        connection = self._connection
        started = start_of(connection.store, check_query("watch()", query), cursor)
        return watched(connection, query, started)

    def count(self, query: Query = _ANY, /) -> int:
        """How many match."""
        return 0 if check_query("count()", query).selects_none else self._store.count(query.to_filter())

    def kinds(self) -> list[KindInfo]:
        """What workers have published of the kinds that they run, by kind."""
        return [KindInfo.of(record) for record in self._store.kinds()]

    def stats(self, *kinds: str) -> list[KindStats]:
        """Numbers of these kinds, of all without any, by kind; from kept counters. Those without instances are left
        out unless paused."""
        named = [check_name("stats(kind)", kind) for kind in kinds]
        return [KindStats.of(record) for record in self._store.stats(named or None)]

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
        wanted = narrowed(check_query("cancel()", query), _LIVE)
        pages = ([snapshot.record.id for snapshot in page] for page in self._pages(wanted))
        answers = (answer for ids in pages for answer in self._store.cancel(ids, wanted.state))
        return sum(answer in ("canceled", "requested") for answer in answers)

    def retry(self, query: Query, /) -> int:
        """Schedule again, as new instances linked by `retry_of`, what matches and ended TERMINATED or TIMED_OUT
        (CANCELED too when the query names that state): once each, however often it is asked. How many are new.

        Raises: StoreError when the store refused some, after all others were added.
        """
        named = check_query("retry()", query).state is not None
        wanted = narrowed(query, _UNSUCCESSFUL | {State.CANCELED} if named else _UNSUCCESSFUL)
        added, refused = 0, list[EnqueueAnswer]()
        for page in self._pages(wanted):
            answers = self._store.enqueue([self._requests.again(snapshot) for snapshot in reversed(page)])
            added += sum(answer.status == "added" for answer in answers)
            refused += (answer for answer in answers if answer.status == "refused")
        if refused:
            raise StoreError(f"{len(refused)} instances can't be retried, {added} are: first, {refused[0].error}")
        return added

    def purge(self, query: Query, /) -> int:
        """Remove what matches and is final, with its history and log. How many."""
        wanted = narrowed(check_query("purge()", query), FINAL_STATES)
        pages = ([snapshot.record.id for snapshot in page] for page in self._pages(wanted))
        return sum(self._store.purge(PurgeFilter(ids=tuple(ids)), MAX_BATCH) for ids in pages)

    def pause(self, *kinds: str) -> None:
        """Let no worker start these kinds until `resume`; what runs goes on."""
        self._store.pause([check_name("pause(kind)", kind) for kind in kinds])

    def resume(self, *kinds: str) -> None:
        """Undo `pause`."""
        self._store.resume([check_name("resume(kind)", kind) for kind in kinds])

    def resize(self, worker: str, concurrency: int, /) -> bool:
        """Ask a live worker, by name, to run so many at once from its next beat on. False when it is not live."""
        if not isinstance(worker, str):
            raise QueryError(f"resize(worker) takes a worker's name, as in WorkerInfo.name; got {worker!r}")
        return self._store.resize(worker, check_concurrency(concurrency))

    # ---- recurring rules ---------------------------------------------------------------------

    def put_schedule(
        self,
        name: str,
        trigger: Cron | Every,
        call: Call[Any],
        *,
        misfire: Literal["latest", "skip", "all"] = "latest",
        overlap: Literal["skip", "allow"] = "skip",
        misfire_cap: int = 100,
    ) -> Schedule:
        """Add or change a recurring rule of that name; its first slot comes after now."""
        refuse_system("put_schedule(name)", name)
        rule, store = DeclaredSchedule(name, trigger, call, misfire, overlap, misfire_cap), self._store
        return Schedule.of(store.put_schedule(schedule_record(rule, self._requests, store, store.now_ms())))

    def drop_schedule(self, name: str, /) -> bool:
        """Forget the rules of that name; False when there was none. One declared in code comes back while
        a worker that declares it lives."""
        return sum(self._store.drop_schedule(name, rule.owner) for rule in rules_named(self._store, name)) > 0

    def pause_schedule(self, name: str, /) -> bool:
        """Let the rules of that name fire no more until `resume_schedule`; False when there was none."""
        return set_paused(self._store, name, paused=True)

    def resume_schedule(self, name: str, /) -> bool:
        """Undo `pause_schedule`: the next slot comes after now, those missed don't fire. False when there was none."""
        return set_paused(self._store, name, paused=False)

    def run_schedule(self, name: str, /) -> Instance[Any]:
        """Add an instance of a rule now, beside its slots, paused or not. Raises UnknownSchedule."""
        store = self._store
        record = self._requests.from_template(only_rule(store, name).template, name)
        return self._added([record], store.enqueue([record]))[0]

    def schedules(self) -> list[Schedule]:
        """All rules, by name."""
        return [Schedule.of(record) for record in self._store.schedules()]

    # ---- life cycle --------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the connection. The next call connects anew."""
        self._connection.close()

    def __enter__(self) -> Self:
        _ = self._store
        return self

    def __exit__(self, t: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None, /) -> None:
        self.close()


def store_beneath(client: Client) -> Store:
    """The store that a client stands on, for rota's own jobs: they do what no method of a client does. Raises:
    ConfigError for a client that is not near its store."""
    if not isinstance(client, StoreClient):
        raise ConfigError(f"a job of rota itself runs in the worker of a manager, which has a store; got {client!r}")
    return client._store


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
