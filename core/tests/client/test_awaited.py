"""The awaited forms: the same answers, beside the event loop."""

import asyncio
from typing import Any

import pytest
from core.tests.client.managers import ByHand, managed, working

from rota import Every, Manager, Query, State
from rota.model.errors import UnknownInstance


def work(n: int = 0) -> int:
    """A job."""
    return n


def test_client_answers_awaited_as_it_answers_plain() -> None:
    """Every method once, compared with its namesake."""

    async def main(manager: Manager) -> None:
        job = manager.job(work)
        one = await job.aschedule(1)
        many = await manager.aschedule_many([job.call(2), job.call(3)])
        other = await manager.aschedule(job.call(4))
        made = [one, *many, other]
        assert made == [one async for one in manager.ascan(Query(newest_first=False))]
        assert manager.find(limit=2) == await manager.afind(limit=2)
        assert 4 == await manager.acount()
        assert one == await manager.aget(one.id) == await job.aget(one.id) == await one.arefresh()
        assert one.history() == await one.ahistory()
        assert await one.acancel()
        assert 1 == await manager.acancel(Query(ids=[other.id]))
        await asyncio.to_thread(ByHand(manager).fail, "work")
        assert 2 == await manager.aretry(Query(state=State.TERMINATED))
        assert 4 == await manager.apurge(Query())
        put = await manager.aput_schedule("r", Every(60), job.call())
        assert [put] == await manager.aschedules()
        assert await manager.adrop_schedule("r")
        await manager.apause("work")
        assert [] == await asyncio.to_thread(ByHand(manager, "paused").claim, "work")
        await manager.aresume("work")
        assert ["by-hand", "paused"] == sorted(one.name for one in await manager.aworkers())
        with pytest.raises(UnknownInstance):
            await one.arefresh()
        await manager.aclose()

    asyncio.run(main(managed()))


def test_manager_and_worker_are_asynchronous_context_managers() -> None:
    """From connection to result without blocking the loop."""
    manager = Manager("memory://")
    job = manager.job(work)

    async def main() -> int:
        async with manager as entered, manager.worker(concurrency=1) as worker:
            assert entered is manager
            one = await job.aschedule(7)
            await worker.aresize(2)
            assert await worker.adrain(10)
            return await one.aresult(10)

    assert 7 == asyncio.run(main())
    assert not manager._connection.is_open


def test_scan_asks_the_store_in_turns_not_for_each() -> None:
    """Ten thousand instances are no ten thousand hops to another thread."""

    async def main(manager: Manager) -> tuple[int, int]:
        hops = 0
        to_thread = asyncio.to_thread

        async def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal hops
            hops += 1
            return await to_thread(*args, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncio, "to_thread", counted)
            return len([one async for one in manager.ascan()]), hops

    with managed() as manager:
        manager.schedule_many(manager.remote("n").call() for _ in range(1000))
        found, hops = asyncio.run(main(manager))
        assert (1000, True) == (found, hops <= 20)


def test_logs_are_read_asynchronously() -> None:
    """With `follow` until the end of the instance."""
    manager = Manager("memory://")

    @manager.job
    def says() -> None:
        import logging

        logging.getLogger("shop").warning("sold out")

    async def main() -> list[str]:
        one = await says.aschedule()
        return [line.message async for line in one.alogs(follow=True)]

    with working(manager):
        assert ["sold out"] == asyncio.run(main())
