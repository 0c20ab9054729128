"""What can be asked of a store, near or behind a server, as the objects of this floor see it."""

from collections.abc import AsyncIterator, Iterable, Iterator
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeVar
from uuid import UUID

from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.jobs.call import Call
from rota.jobs.instance import Instance
from rota.jobs.job import Job
from rota.jobs.views import Change, KindInfo, KindStats, Page, Schedule, WorkerInfo
from rota.model.query import Query

__all__ = ["Client"]

R = TypeVar("R")


class Client(Protocol):
    """What can be asked of a store, near (`Manager`) or behind a server (`rota.connect`).

    Every method with the prefix `a` is the same call, awaited. All of them raise StoreUnavailable when
    the store does not answer.
    """

    def schedule(self, call: Call[R], /) -> Instance[R]:
        """Add one instance, and those that it depends on. With a unique key that a live one holds, that one, marked
        `duplicate`."""
        ...

    async def aschedule(self, call: Call[R], /) -> Instance[R]:
        """`schedule`, awaited."""
        ...

    def schedule_many(self, calls: Iterable[Call[R]], /, *, batch: int = 1000) -> list[Instance[R]]:
        """Add many, `batch` at a time; one instance for each call, in order. The outputs of a call, in this list, are
        those of one instance."""
        ...

    async def aschedule_many(self, calls: Iterable[Call[R]], /, *, batch: int = 1000) -> list[Instance[R]]:
        """`schedule_many`, awaited."""
        ...

    def remote(self, kind: str, /) -> Job[..., Any]:
        """A handle to a kind this process doesn't define; nothing is checked before the worker."""
        ...

    def get(self, id: UUID, /) -> Instance[Any]:
        """The instance with that id. Raises UnknownInstance."""
        ...

    async def aget(self, id: UUID, /) -> Instance[Any]:
        """`get`, awaited."""
        ...

    def find(self, query: Query = ..., /, *, limit: int = 100, cursor: str | None = None) -> Page[Instance[Any]]:
        """A page of what matches, by creation. It may be short: only `next_cursor is None` ends."""
        ...

    async def afind(self, query: Query = ..., /, *, limit: int = 100, cursor: str | None = None) -> Page[Instance[Any]]:
        """`find`, awaited."""
        ...

    def scan(self, query: Query = ..., /) -> Iterator[Instance[Any]]:
        """All that matches, page by page."""
        ...

    def ascan(self, query: Query = ..., /) -> AsyncIterator[Instance[Any]]:
        """`scan`, awaited."""
        ...

    def watch(self, query: Query = ..., /, *, cursor: str | None = None) -> Iterator[Change]:
        """State changes as they happen, on and on, of the instances that match; from now, or after `cursor`.

        Raises: QueryError for a query by more than ids, kind, state, worker and reason; CursorExpired when changes
        after the cursor are no longer kept; UnsupportedFeature when the store tells of none.
        """
        ...

    def awatch(self, query: Query = ..., /, *, cursor: str | None = None) -> AsyncIterator[Change]:
        """`watch`, awaited."""
        ...

    def count(self, query: Query = ..., /) -> int:
        """How many match."""
        ...

    async def acount(self, query: Query = ..., /) -> int:
        """`count`, awaited."""
        ...

    def cancel(self, query: Query, /) -> int:
        """Cancel what matches and is not final: the queued at once, the running by request. How many."""
        ...

    async def acancel(self, query: Query, /) -> int:
        """`cancel`, awaited."""
        ...

    def retry(self, query: Query, /) -> int:
        """Schedule again, as new instances linked by `retry_of`, what matches and ended without success: once each,
        however often it is asked. How many."""
        ...

    async def aretry(self, query: Query, /) -> int:
        """`retry`, awaited."""
        ...

    def purge(self, query: Query, /) -> int:
        """Remove what matches and is final, with its history and log. How many."""
        ...

    async def apurge(self, query: Query, /) -> int:
        """`purge`, awaited."""
        ...

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
        ...

    async def aput_schedule(
        self,
        name: str,
        trigger: Cron | Every,
        call: Call[Any],
        *,
        misfire: Literal["latest", "skip", "all"] = "latest",
        overlap: Literal["skip", "allow"] = "skip",
        misfire_cap: int = 100,
    ) -> Schedule:
        """`put_schedule`, awaited."""
        ...

    def drop_schedule(self, name: str, /) -> bool:
        """Forget the rules of that name; False when there was none. What they fired stays."""
        ...

    async def adrop_schedule(self, name: str, /) -> bool:
        """`drop_schedule`, awaited."""
        ...

    def pause_schedule(self, name: str, /) -> bool:
        """Let the rules of that name fire no more until `resume_schedule`; False when there was none."""
        ...

    async def apause_schedule(self, name: str, /) -> bool:
        """`pause_schedule`, awaited."""
        ...

    def resume_schedule(self, name: str, /) -> bool:
        """Undo `pause_schedule`: the next slot comes after now, those missed don't fire. False when there was none."""
        ...

    async def aresume_schedule(self, name: str, /) -> bool:
        """`resume_schedule`, awaited."""
        ...

    def run_schedule(self, name: str, /) -> Instance[Any]:
        """Add an instance of a rule now, beside its slots, paused or not. Raises UnknownSchedule."""
        ...

    async def arun_schedule(self, name: str, /) -> Instance[Any]:
        """`run_schedule`, awaited."""
        ...

    def schedules(self) -> list[Schedule]:
        """All rules, by name."""
        ...

    async def aschedules(self) -> list[Schedule]:
        """`schedules`, awaited."""
        ...

    def pause(self, *kinds: str) -> None:
        """Let no worker start these kinds until `resume`; what runs goes on."""
        ...

    async def apause(self, *kinds: str) -> None:
        """`pause`, awaited."""
        ...

    def resume(self, *kinds: str) -> None:
        """Undo `pause`."""
        ...

    async def aresume(self, *kinds: str) -> None:
        """`resume`, awaited."""
        ...

    def kinds(self) -> list[KindInfo]:
        """What workers have published of the kinds that they run, by kind."""
        ...

    async def akinds(self) -> list[KindInfo]:
        """`kinds`, awaited."""
        ...

    def stats(self, *kinds: str) -> list[KindStats]:
        """Numbers of these kinds, of all without any, by kind; from kept counters. Those without instances are left
        out unless paused."""
        ...

    async def astats(self, *kinds: str) -> list[KindStats]:
        """`stats`, awaited."""
        ...

    def resize(self, worker: str, concurrency: int, /) -> bool:
        """Ask a live worker, by name, to run so many at once from its next beat on. False when it is not live."""
        ...

    async def aresize(self, worker: str, concurrency: int, /) -> bool:
        """`resize`, awaited."""
        ...

    def workers(self) -> list[WorkerInfo]:
        """The live workers."""
        ...

    async def aworkers(self) -> list[WorkerInfo]:
        """`workers`, awaited."""
        ...

    def close(self) -> None:
        """Let go of the connection. The next call connects anew."""
        ...

    async def aclose(self) -> None:
        """`close`, awaited."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, t: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None, /) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, t: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None, /
    ) -> None: ...
