"""The lifespan: entered once before the first claim, left after the last job, whatever goes wrong between."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from core.tests.runtime.harness import Gate

from rota import ConfigError, Context, JobFailed, Manager, State
from rota.runtime import lifespan as lifespan_module


class Pool:
    """A resource that counts as empty."""

    def __init__(self, name: str = "pool") -> None:
        self.name = name

    def __len__(self) -> int:
        return 0


class SpecialPool(Pool):
    """One of its kind."""


def _plain(noted: list[str], *resources: object) -> Callable[[], Any]:
    @contextmanager
    def lifespan() -> Iterator[tuple[object, ...]]:
        noted.append("enter")
        yield resources
        noted.append("leave")

    return lifespan


def _coroutine(noted: list[str], *resources: object) -> Callable[[], Any]:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[tuple[object, ...]]:
        await asyncio.sleep(0)
        noted.append("enter")
        yield resources
        await asyncio.sleep(0)
        noted.append("leave")

    return lifespan


@pytest.mark.parametrize("make", [_plain, _coroutine])
def test_it_is_entered_once_before_the_first_claim_and_left_after_the_last_job(make: Callable[..., Any]) -> None:
    """Once for each run of a worker, sync or async; jobs of both kinds find what it yields."""
    noted: list[str] = []
    pool = Pool()
    with Manager("memory://", lifespan=make(noted, pool, "text")) as manager:

        @manager.job
        def plain(ctx: Context) -> str:
            noted.append("job")
            return ctx.resource(Pool).name

        @manager.job
        async def coroutine(ctx: Context) -> str:
            noted.append("job")
            return ctx.resource(str)

        worker = manager.worker(concurrency=2)
        for _ in range(2):
            waiting = [plain.schedule(), coroutine.schedule(), plain.schedule()]
            with worker:
                assert ["pool", "text", "pool"] == [one.result(10) for one in waiting]
    assert ["enter", "job", "job", "job", "leave"] * 2 == noted


def test_an_async_one_lives_in_the_loop_of_the_async_jobs() -> None:
    """So that a pool made in it serves them."""

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[list[asyncio.AbstractEventLoop]]:
        yield [asyncio.get_running_loop()]

    with Manager("memory://", lifespan=lifespan) as manager:

        @manager.job
        async def same(ctx: Context) -> bool:
            return ctx.resource(asyncio.AbstractEventLoop) is asyncio.get_running_loop()

        with manager.worker(concurrency=1):
            assert same.schedule().result(10)


def test_a_resource_is_found_by_its_own_type_before_a_subclass() -> None:
    """Exact types win; else one of a subclass; what counts as empty is found, too."""
    noted: list[str] = []
    with Manager("memory://", lifespan=_plain(noted, SpecialPool("special"), Pool("plain"))) as manager:

        @manager.job
        def job(ctx: Context) -> list[str]:
            return [ctx.resource(Pool).name, ctx.resource(SpecialPool).name]

        with manager.worker(concurrency=1):
            assert ["plain", "special"] == job.schedule().result(10)
    with Manager("memory://", lifespan=_plain(noted, SpecialPool("special"))) as manager:

        @manager.job
        def job_too(ctx: Context) -> str:
            return ctx.resource(Pool).name

        with manager.worker(concurrency=1):
            assert "special" == job_too.schedule().result(10)


def test_a_resource_that_is_not_there_is_named_with_those_that_are() -> None:
    """The error says what the lifespan yields."""
    with Manager("memory://", lifespan=_plain([], Pool())) as manager:

        @manager.job
        def job(ctx: Context) -> None:
            ctx.resource(dict)

        with manager.worker(concurrency=1), pytest.raises(JobFailed, match=r"no resource of type dict.*Pool"):
            job.schedule().result(10)


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
@pytest.mark.parametrize("error", [OSError("no database"), SystemExit(3)], ids=["Exception", "SystemExit"])
def test_an_exception_in_it_stops_the_start_and_leaves_nothing_running(kind: str, error: BaseException) -> None:
    """The error is the caller's; no worker is live, no thread left, and a later start may succeed."""
    errors = [error]

    @contextmanager
    def plain() -> Iterator[None]:
        if errors:
            raise errors.pop()
        yield

    @asynccontextmanager
    async def coroutine() -> AsyncIterator[None]:
        if errors:
            raise errors.pop()
        yield

    with Manager("memory://", lifespan=plain if kind == "thread" else coroutine) as manager:

        @manager.job
        def job() -> str:
            return "ran"

        instance = job.schedule()
        worker = manager.worker(concurrency=1)
        handlers = logging.getLogger().handlers[:]
        with pytest.raises(type(error)):
            worker.start()
        assert worker.name is None
        assert [] == manager.workers()
        assert [] == [one.name for one in threading.enumerate() if one.name.startswith("rota-")]
        assert handlers == logging.getLogger().handlers
        assert State.SCHEDULED is instance.refresh().state
        with worker:
            assert "ran" == instance.result(10)


def test_an_exception_on_leaving_is_logged_and_the_stop_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is left running, and the worker is no longer counted as live."""

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        yield
        raise OSError("flush failed")

    with Manager("memory://", lifespan=lifespan) as manager:
        with manager.worker(concurrency=1):
            assert 1 == len(manager.workers())
        assert [] == manager.workers()
    assert "leaving the lifespan failed" in caplog.text


def test_what_is_no_context_manager_is_refused_with_the_fix() -> None:
    """A generator function without its decorator, for one."""

    def lifespan() -> Iterator[None]:
        yield

    manager = Manager("memory://", lifespan=lifespan)  # type: ignore[arg-type]
    with manager, pytest.raises(ConfigError, match="@contextmanager or @asynccontextmanager"):
        manager.worker(concurrency=1).start()


def test_a_blocked_loop_does_not_hold_up_a_stop_for_ever(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine that blocks its loop keeps the lifespan from being left: after a while the stop goes on without."""
    monkeypatch.setattr(lifespan_module, "_LEAVE_S", 0.05)
    monkeypatch.setattr("rota.runtime.consumer._LISTEN_S", 0.05)
    monkeypatch.setattr("rota.runtime.executors.event_loop._JOIN_S", 0.05)
    noted: list[str] = []
    with Manager("memory://", lifespan=_coroutine(noted)) as manager:

        @manager.job
        async def blocks() -> None:
            gate.hold()

        worker = manager.worker(concurrency=1, grace=0).start()
        instance = blocks.schedule()
        gate.await_arrivals(1)
        worker.stop()
        assert State.SCHEDULED is instance.refresh().state
        assert "leaving the lifespan failed" in caplog.text
        gate.open()  # then loop and thread end by themselves: the leak check of every test waits for that
