"""Threads and the event loop of a worker: made as needed, given up when stuck, all gone in the end."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from core.tests.runtime.harness import Gate

from rota import Manager
from rota.runtime.executors.event_loop import EventLoopExecutor
from rota.runtime.executors.thread import ThreadExecutor
from rota.testing import wait_until


def _threads(name: str) -> int:
    return sum(one.name == name for one in threading.enumerate())


def test_threads_are_made_as_they_are_needed(manager: Manager, gate: Gate) -> None:
    """As many as ran at once, however many slots there are; used again."""

    @manager.job
    def held() -> None:
        gate.hold()

    @manager.job
    def ident() -> int:
        return threading.get_ident()

    with manager.worker(concurrency=50) as worker:
        assert (0, 0) == (_threads("rota-thread"), _threads("rota-loop"))
        assert 1 == len({ident.schedule().result(10) for _ in range(10)})
        manager.schedule_many(held.call() for _ in range(3))
        gate.await_arrivals(3)
        assert 3 == _threads("rota-thread")
        gate.open()
        assert worker.drain(10)
        assert (3, 0) == (_threads("rota-thread"), _threads("rota-loop"))


def test_the_loop_is_made_by_the_first_coroutine(manager: Manager) -> None:
    """A worker of plain functions has none; a worker of coroutines has one, for all of them."""

    @manager.job
    async def ident() -> int:
        return threading.get_ident()

    with manager.worker(concurrency=5):
        assert 0 == _threads("rota-loop")
        assert 1 == len({one.result(10) for one in [ident.schedule() for _ in range(10)]})
        assert 1 == _threads("rota-loop")


def test_jobs_wait_where_no_thread_can_be_started(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A machine at its limit of threads loses no job: those there run them one after the other."""
    start = threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        if thread.name == "rota-thread" and _threads("rota-thread"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    gate = Gate()

    @manager.job
    def job(number: int) -> int:
        if number == 0:
            gate.hold()
        return number

    with manager.worker(concurrency=5):
        first = job.schedule(0)
        gate.await_arrivals(1)
        instances = [first, *(job.schedule(number) for number in range(1, 10))]
        wait_until(lambda: "no thread can be started" in caplog.text)
        gate.open()
        assert list(range(10)) == [one.result(10) for one in instances]
        assert 1 == _threads("rota-thread")


def test_tasks_that_a_job_began_and_left_are_canceled_by_the_stop(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """They can clean up, async generators too; nothing is destroyed while it waits."""
    left: list[str] = []

    async def background() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            left.append("task")

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            left.append("generator")

    kept: list[object] = []

    @manager.job
    async def job() -> int:
        kept.append(asyncio.ensure_future(background()))
        kept.append(generator := numbers())
        await asyncio.sleep(0)
        return await anext(generator)

    with manager.worker(concurrency=1):
        assert 1 == job.schedule().result(10)
        assert [] == left
    assert ["generator", "task"] == sorted(left)
    assert "destroyed" not in caplog.text


def test_threads_beside_the_loop_end_with_it(manager: Manager) -> None:
    """Those of `asyncio.to_thread`."""

    @manager.job
    async def job() -> str:
        return await asyncio.to_thread(lambda: threading.current_thread().name)

    with manager.worker(concurrency=1):
        name = job.schedule().result(10)
    assert name not in [one.name for one in threading.enumerate()]


@pytest.mark.parametrize("executor", [ThreadExecutor, EventLoopExecutor])
def test_an_executor_that_ran_nothing_stops_any_number_of_times(
    executor: type[ThreadExecutor] | type[EventLoopExecutor],
) -> None:
    """It had no thread to begin with."""
    before = threading.enumerate()
    unused = executor(None)  # type: ignore[arg-type]
    unused.start()
    unused.stop()
    unused.stop()
    assert before == threading.enumerate()


def test_a_call_into_the_loop_can_be_given_up() -> None:
    """`call` answers what the coroutine does, raises what it raises, and TimeoutError when it takes too long."""
    loop = EventLoopExecutor(None)  # type: ignore[arg-type]

    async def fails() -> None:
        raise OSError("in the loop")

    try:
        assert 3 == loop.call(asyncio.sleep(0, 3))
        with pytest.raises(OSError, match="in the loop"):
            loop.call(fails())
        with pytest.raises(TimeoutError):
            loop.call(asyncio.sleep(3600), 0.001)
    finally:
        loop.stop()
        loop.stop()
