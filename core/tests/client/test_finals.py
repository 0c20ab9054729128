"""Waiting for many ends at once: on one thread, which is there only while somebody waits."""

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from subprocess import run
from typing import Any

import pytest
from core.tests.client.managers import ByHand, Watched, managed, working

from rota import JobFailed, Manager, Query
from rota.model.errors import StoreUnavailable, UnknownInstance
from rota.testing import FakeClock, wait_until


def _finals_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rota-finals"]


def work(n: int = 0) -> int:
    """A job."""
    if n < 0:
        raise ValueError("negative")
    return n


def test_a_thousand_pending_results_take_few_threads() -> None:
    """A server may wait for as many instances as it has requests."""
    with managed() as manager:
        job = manager.job(work)
        made = manager.schedule_many(job.call(number) for number in range(1000))
        worker = ByHand(manager)

        async def main() -> tuple[int, list[int]]:
            before = threading.active_count()
            pending = [asyncio.ensure_future(one.aresult()) for one in made]
            await asyncio.to_thread(wait_until, lambda: len(manager._source._finals._pending) == 1000)
            during = threading.active_count() - before
            worker.end("work", result=b"\x07")
            return during, await asyncio.gather(*pending)

        threads, results = asyncio.run(main())
        assert ([7] * 1000, True) == (results, threads <= 8)  # the shared one, and a few that asyncio.to_thread keeps
        wait_until(lambda: not _finals_threads(), description="the shared thread to end")


def test_some_that_give_up_leave_the_others_waiting() -> None:
    """Canceled, or too short a wait: of a thousand, each ends as it should, and nothing is left behind."""
    with managed() as manager:
        job = manager.job(work)
        made = manager.schedule_many(job.call(number) for number in range(1000))
        worker = ByHand(manager)

        async def main() -> list[Any]:
            pending = [asyncio.ensure_future(one.aresult(0.02 if n % 5 == 1 else 60)) for n, one in enumerate(made)]
            await asyncio.sleep(0)
            for canceled in pending[::5]:
                canceled.cancel()
            await asyncio.wait(pending[::5] + pending[1::5])
            assert 600 == len(manager._source._finals._pending)
            worker.end("work", result=b"\x07")
            return await asyncio.gather(*pending, return_exceptions=True)

        results = asyncio.run(main())
        assert [asyncio.CancelledError, TimeoutError, int, int, int] * 200 == [type(one) for one in results]
        assert {} == manager._source._finals._pending
        wait_until(lambda: not _finals_threads(), description="the shared thread to end")


def test_a_small_pool_beside_the_loop_is_enough() -> None:
    """A thousand are scheduled and awaited at once by one thread of `asyncio.to_thread`, and by a second loop after."""
    manager = Manager("memory://")
    job = manager.job(work)

    async def main() -> list[int]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        made = await asyncio.gather(*(job.aschedule(number) for number in range(1000)))
        return await asyncio.gather(*(one.aresult(60) for one in made))

    with working(manager):
        assert [list(range(1000))] * 2 == [asyncio.run(main()) for _ in range(2)]


def test_two_loops_wait_for_a_thousand_at_once() -> None:
    """They share the one thread, and each gets its own."""
    with managed() as manager:
        job = manager.job(work)
        made = manager.schedule_many(job.call(number) for number in range(1000))
        found: dict[int, list[int]] = {}

        async def main(part: int) -> None:
            found[part] = await asyncio.gather(*(one.aresult() for one in made[part::2]))

        threads = [threading.Thread(target=lambda part=part: asyncio.run(main(part))) for part in range(2)]  # type: ignore[misc]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(manager._source._finals._pending) == 1000)
        assert 1 == len(_finals_threads())
        ByHand(manager).end("work", result=b"\x07")
        for thread in threads:
            thread.join(30)
        assert {part: [7] * 500 for part in range(2)} == found


class _Held(Watched):
    """A store whose `await_final` goes on with an interrupt alone, which takes until `there` is set."""

    def hold(self) -> "_Held":
        """Set up what it notes."""
        self.interrupts: list[threading.Thread] = []
        self.sizes_asked: list[int] = []
        self.blocked, self.there, self.go = threading.Event(), threading.Event(), threading.Event()
        return self

    def await_final(self, ids: list[str], timeout_ms: int, waiter: str = "") -> list[str]:
        self.sizes_asked.append(len(ids))
        self.blocked.set()
        assert self.go.wait(30)
        return ids

    def interrupt(self, waiter: str) -> None:
        self.interrupts.append(threading.current_thread())
        assert self.there.wait(30)
        self.go.set()

    def namespaced(self, namespace: str) -> "_Held":
        return self


def test_the_store_is_interrupted_once_for_all_that_come_together() -> None:
    """And not on the thread of the event loop, which a slow store would stop."""
    store = _Held(Watched.memory()._store, [], frozenset()).hold()
    with Manager(store) as manager:  # type: ignore[arg-type]
        made = manager.schedule_many(manager.job(work).call(number) for number in range(100))

        async def main() -> None:
            first = asyncio.ensure_future(made[0].ajoin())
            await asyncio.to_thread(store.blocked.wait, 30)
            others = [asyncio.ensure_future(one.ajoin()) for one in made[1:]]
            await asyncio.sleep(0)
            store.there.set()
            await asyncio.gather(first, *others)

        asyncio.run(main())
    assert ([1, 99], 1) == (store.sizes_asked, len(store.interrupts))
    assert threading.current_thread() not in store.interrupts


def test_more_than_one_call_can_take_are_all_told() -> None:
    """The store is never asked for more than a batch at a time, and nobody starves."""
    store = Watched.memory()
    with Manager(store) as manager:
        job = manager.job(work)
        made = manager.schedule_many(job.call(number) for number in range(2100))
        worker = ByHand(manager)

        async def main() -> None:
            pending = [asyncio.ensure_future(one.ajoin()) for one in made]
            await asyncio.sleep(0)
            while worker.end("work"):
                await asyncio.sleep(0)
            await asyncio.gather(*pending)

        asyncio.run(main())
        assert max(store.sizes("await_final")) <= 1000


def test_results_are_those_of_each() -> None:
    """Values and errors find their own waiter."""
    manager = Manager("memory://")
    job = manager.job(work)

    async def main() -> list[Any]:
        made = await manager.aschedule_many(job.call(number) for number in (1, -1, 3))
        return await asyncio.gather(*(one.aresult(10) for one in made), return_exceptions=True)

    with working(manager):
        first, second, third = asyncio.run(main())
    assert (1, 3, JobFailed) == (first, third, type(second))


def test_several_may_wait_for_one() -> None:
    """Also on several loops."""
    with managed() as manager:
        one = manager.job(work).schedule()
        found: list[object] = []

        async def twice() -> None:
            found.extend(await asyncio.gather(one.ajoin(), one.ajoin()))

        threads = [threading.Thread(target=asyncio.run, args=(twice(),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(manager._source._finals._pending.get(one.id.hex, ())) == 4)
        ByHand(manager).end("work")
        for thread in threads:
            thread.join(10)
        assert [one.refresh()] * 4 == found


def test_what_has_ended_already_is_answered_at_once() -> None:
    """Final, or gone."""
    with managed() as manager:
        one, gone = (manager.job(work).schedule() for _ in range(2))
        one.cancel()
        gone.cancel()
        manager.purge(Query(ids=[gone.id]))
        assert one.refresh() == asyncio.run(one.ajoin())
        with pytest.raises(UnknownInstance):
            asyncio.run(gone.ajoin())


def test_awaited_wait_that_was_too_short_is_a_timeout_error() -> None:
    """The builtin one; nothing is left behind."""
    with managed() as manager:
        one = manager.job(work).schedule()
        for timeout in (0, 0.02):
            with pytest.raises(TimeoutError, match=str(one.id)):
                asyncio.run(one.aresult(timeout))
        assert {} == manager._source._finals._pending
        wait_until(lambda: not _finals_threads(), description="the shared thread to end")


def test_canceled_await_is_forgotten() -> None:
    """The others go on waiting, also for the same instance."""
    with managed() as manager:
        one, other = (manager.job(work).schedule() for _ in range(2))

        async def main() -> None:
            tasks = [asyncio.ensure_future(each.ajoin()) for each in (one, one, other)]
            await asyncio.sleep(0)
            tasks[0].cancel()
            tasks[2].cancel()
            await asyncio.gather(tasks[0], tasks[2], return_exceptions=True)
            assert {one.id.hex: 1} == {key: len(value) for key, value in manager._source._finals._pending.items()}
            await one.acancel()
            assert one.refresh() == await tasks[1]

        asyncio.run(main())
        assert {} == manager._source._finals._pending


def test_loop_that_was_closed_does_not_stop_the_others() -> None:
    """A program may end a loop with waits pending; another loop of the process goes on."""
    with managed() as manager:
        one = manager.job(work).schedule()
        abandoned = asyncio.new_event_loop()
        task = abandoned.create_task(one.ajoin())
        abandoned.run_until_complete(asyncio.sleep(0))
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        abandoned.close()

        async def main() -> None:
            waiting = asyncio.ensure_future(one.ajoin())
            await asyncio.sleep(0)
            await one.acancel()
            assert one.refresh() == await waiting

        asyncio.run(asyncio.wait_for(main(), 10))
        task.get_coro().close()


def test_trouble_of_the_store_reaches_all_that_wait() -> None:
    """They are told, and the next wait begins anew."""

    class Troubled(Watched):
        def await_final(self, ids: list[str], timeout_ms: int, waiter: str = "") -> list[str]:
            raise StoreUnavailable("gone fishing")

        def namespaced(self, namespace: str) -> "Troubled":
            return self

    with Manager(Troubled(Watched.memory()._store, [], frozenset())) as manager:
        made = [manager.job(work).schedule() for _ in range(2)]

        async def main() -> list[BaseException]:
            return await asyncio.gather(*(one.aresult() for one in made), return_exceptions=True)

        assert ["gone fishing"] * 2 == [str(error) for error in asyncio.run(main())]
        with pytest.raises(StoreUnavailable):
            made[0].result()


def test_blocking_wait_goes_by_the_managers_clock() -> None:
    """A test that stands still waits for nothing real."""
    clock = FakeClock()
    with managed(clock) as manager:
        one = manager.job(work).schedule()
        raised: list[BaseException] = []

        def wait() -> None:
            try:
                one.result(timeout=3600)
            except TimeoutError as error:
                raised.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while waiting.is_alive():  # it asks anew every five seconds of that clock
            wait_until(lambda: clock.waiters or not waiting.is_alive())
            clock.advance(600)
        assert ["TimeoutError"] == [type(error).__name__ for error in raised]


_FORKED = """
import asyncio, os, rota

def work(): return 7

manager = rota.Manager("memory://")
job = manager.job(work)

async def pending():
    one = await job.aschedule()
    waiting = asyncio.ensure_future(one.ajoin())
    await asyncio.sleep(0)
    child = os.fork()  # the thread that waits is not in the child
    if child:
        return child, waiting
    os._exit(run_child())

def run_child():
    import threading
    def anew():
        with manager.worker(concurrency=1):
            return asyncio.run(job.schedule().aresult(10))
    found = []
    thread = threading.Thread(target=lambda: found.append(anew()))
    thread.start()
    thread.join(20)
    return 0 if found == [7] else 1

async def main():
    child, waiting = await pending()
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    waiting.cancel()
    print(os.waitstatus_to_exitcode(status))

asyncio.run(main())
manager.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_forked_child_waits_with_a_thread_of_its_own() -> None:
    """The parent's thread does not exist there."""
    done = run([sys.executable, "-W", "ignore", "-c", _FORKED], capture_output=True, text=True, timeout=60, check=False)
    assert ("0\n", "") == (done.stdout, done.stderr)
