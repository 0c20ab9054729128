"""The a-methods of a client: the same calls, beside the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, Self, TypeVar, cast

if TYPE_CHECKING:
    from types import TracebackType
    from uuid import UUID

    from rota.engine.cron import Cron
    from rota.engine.every import Every
    from rota.jobs.call import Call
    from rota.jobs.client import Client
    from rota.jobs.instance import Instance
    from rota.jobs.views import KindInfo, KindStats, Page, Schedule, WorkerInfo

from rota.model.query import Query

__all__ = ["ClientTwins", "offload"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_AT_ONCE: Final = 100  # instances taken in one turn beside the loop


async def offload(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call in a thread beside the event loop, in this context."""
    import asyncio

    return await asyncio.to_thread(function, *args, **kwargs)


class ClientTwins:
    """Each method is its namesake without the `a`, awaited."""

    async def aschedule(self: Client, call: Call[R], /) -> Instance[R]:
        """`schedule`, awaited."""
        return await offload(self.schedule, call)

    async def aschedule_many(self: Client, calls: Iterable[Call[R]], /, *, batch: int = 1000) -> list[Instance[R]]:
        """`schedule_many`, awaited."""
        return await offload(self.schedule_many, calls, batch=batch)

    async def aget(self: Client, id: UUID, /) -> Instance[Any]:
        """`get`, awaited."""
        return await offload(self.get, id)

    async def afind(
        self: Client, query: Query = Query(), /, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Instance[Any]]:
        """`find`, awaited."""
        return await offload(self.find, query, limit=limit, cursor=cursor)

    async def ascan(self: Client, query: Query = Query(), /) -> AsyncIterator[Instance[Any]]:
        """`scan`, awaited page by page."""
        instances = self.scan(query)
        while some := await offload(list, islice(instances, _AT_ONCE)):
            for one in some:
                yield one

    async def acount(self: Client, query: Query = Query(), /) -> int:
        """`count`, awaited."""
        return await offload(self.count, query)

    async def acancel(self: Client, query: Query, /) -> int:
        """`cancel`, awaited."""
        return await offload(self.cancel, query)

    async def aretry(self: Client, query: Query, /) -> int:
        """`retry`, awaited."""
        return await offload(self.retry, query)

    async def apurge(self: Client, query: Query, /) -> int:
        """`purge`, awaited."""
        return await offload(self.purge, query)

    async def aput_schedule(
        self: Client,
        name: str,
        trigger: Cron | Every,
        call: Call[Any],
        *,
        misfire: Literal["latest", "skip", "all"] = "latest",
        overlap: Literal["skip", "allow"] = "skip",
        misfire_cap: int = 100,
    ) -> Schedule:
        """`put_schedule`, awaited."""
        return await offload(
            self.put_schedule, name, trigger, call, misfire=misfire, overlap=overlap, misfire_cap=misfire_cap
        )

    async def adrop_schedule(self: Client, name: str, /) -> bool:
        """`drop_schedule`, awaited."""
        return await offload(self.drop_schedule, name)

    async def apause_schedule(self: Client, name: str, /) -> bool:
        """`pause_schedule`, awaited."""
        return await offload(self.pause_schedule, name)

    async def aresume_schedule(self: Client, name: str, /) -> bool:
        """`resume_schedule`, awaited."""
        return await offload(self.resume_schedule, name)

    async def arun_schedule(self: Client, name: str, /) -> Instance[Any]:
        """`run_schedule`, awaited."""
        return await offload(self.run_schedule, name)

    async def aschedules(self: Client) -> list[Schedule]:
        """`schedules`, awaited."""
        return await offload(self.schedules)

    async def apause(self: Client, *kinds: str) -> None:
        """`pause`, awaited."""
        await offload(self.pause, *kinds)

    async def aresume(self: Client, *kinds: str) -> None:
        """`resume`, awaited."""
        await offload(self.resume, *kinds)

    async def akinds(self: Client) -> list[KindInfo]:
        """`kinds`, awaited."""
        return await offload(self.kinds)

    async def astats(self: Client, *kinds: str) -> list[KindStats]:
        """`stats`, awaited."""
        return await offload(self.stats, *kinds)

    async def aresize(self: Client, worker: str, concurrency: int, /) -> bool:
        """`resize`, awaited."""
        return await offload(self.resize, worker, concurrency)

    async def aworkers(self: Client) -> list[WorkerInfo]:
        """`workers`, awaited."""
        return await offload(self.workers)

    async def aclose(self: Client) -> None:
        """`close`, awaited."""
        await offload(self.close)

    async def __aenter__(self) -> Self:
        await offload(cast("Client", self).__enter__)
        return self

    async def __aexit__(
        self, t: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        await offload(cast("Client", self).__exit__, t, e, tb)
