"""What a running job can ask, and what it must not see of others."""

import asyncio
import threading
from contextvars import ContextVar
from datetime import UTC, datetime

import pytest

from rota import ConfigError, Context, JobFailed, Manager, Query

_marked: ContextVar[str] = ContextVar("marked", default="clean")


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_a_context_variable_set_by_one_job_is_not_seen_by_the_next(manager: Manager, kind: str) -> None:
    """Each attempt has a context of its own, also when one passes its slot straight on to the next."""

    def plain(name: str) -> tuple[str, int]:
        before = _marked.get()
        _marked.set(name)
        return before, threading.get_ident()

    async def coroutine(name: str) -> tuple[str, int]:
        await asyncio.sleep(0)
        return plain(name)

    job = manager.job(kind="job")(plain if kind == "thread" else coroutine)
    outside = _marked.set("outside")
    try:
        with manager.worker(concurrency=1):
            job.schedule("first").result(10)
            found = [one.result(10) for one in manager.schedule_many(job.call(str(number)) for number in range(20))]
    finally:
        _marked.reset(outside)
    assert {"clean"} == {before for before, _ in found}
    assert 1 == len({ident for _, ident in found})


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_a_helper_finds_the_context_of_its_job(manager: Manager, kind: str) -> None:
    """`Context.current()` is that of the job around it; outside there is none."""

    def helper() -> str:
        return str(Context.current().instance.id)

    @manager.job
    def plain() -> str:
        return helper()

    async def inner() -> str:
        return helper()

    @manager.job
    async def coroutine() -> list[str]:
        await asyncio.sleep(0)
        return [helper(), await asyncio.to_thread(helper), await asyncio.ensure_future(inner())]

    job = plain if kind == "thread" else coroutine
    with manager.worker(concurrency=2):
        first, second = job.schedule(), job.schedule()
        for one in (first, second):
            assert (str(one.id) if kind == "thread" else [str(one.id)] * 3) == one.result(10)
    with pytest.raises(ConfigError, match="outside a running job"):
        Context.current()


def test_the_context_tells_of_instance_worker_and_attempt(manager: Manager) -> None:
    """As they were claimed."""

    @manager.job
    def job(ctx: Context, a: int, b: str = "x") -> dict[str, object]:
        return {
            "worker": ctx.worker,
            "attempt": ctx.attempt,
            "key": ctx.idempotency_key,
            "arguments": dict(ctx.instance.arguments),
            "deadline": ctx.deadline,
            "kind": ctx.instance.kind,
            "canceled": ctx.cancel_requested,
        }

    with manager.worker(concurrency=1) as worker:
        instance = job.schedule(1, b="y")
        assert {
            "worker": worker.name,
            "attempt": 1,
            "key": str(instance.id),
            "arguments": {"a": 1, "b": "y"},
            "deadline": None,
            "kind": "job",
            "canceled": False,
        } == instance.result(10)


def test_waiting_on_the_loops_thread_is_refused(manager: Manager) -> None:
    """`ctx.wait` in a coroutine would stop all others; the error names what to do."""

    @manager.job
    async def waits(ctx: Context) -> None:
        ctx.wait(1)

    with manager.worker(concurrency=1), pytest.raises(JobFailed, match=r"asyncio\.sleep"):
        waits.schedule().result(10)


def test_waiting_for_a_result_inside_a_job_is_refused(manager: Manager) -> None:
    """With one slot it would wait for itself."""

    @manager.job
    def quick() -> int:
        return 1

    @manager.job
    def waits(ctx: Context) -> int:
        return quick.schedule().result(5)

    with manager.worker(concurrency=1), pytest.raises(JobFailed, match="would hold its slot"):
        waits.schedule().result(10)


def test_a_wait_that_is_not_interrupted_lasts_its_time_and_returns(manager: Manager) -> None:
    """It is a sleep, of zero length too."""

    @manager.job
    def waits(ctx: Context) -> str:
        ctx.wait(0)
        ctx.wait(0.001)
        ctx.check()
        return "awake"

    with manager.worker(concurrency=1):
        assert "awake" == waits.schedule().result(10)


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_what_a_job_schedules_has_it_as_its_parent(manager: Manager, kind: str) -> None:
    """Through the client of the context or the job itself; what is scheduled outside has none."""

    @manager.job
    def child(number: int) -> int:
        return number

    @manager.job
    def plain(ctx: Context) -> list[str]:
        return [str(ctx.client.schedule(child.call(1)).id), str(child.schedule(2).id)]

    @manager.job
    async def coroutine(ctx: Context) -> list[str]:
        first = await ctx.client.aschedule(child.call(1))
        second = await child.aschedule(2)
        assert 2 == await second.aresult(10)
        return [str(first.id), str(second.id)]

    with manager.worker(concurrency=2):
        parent = (plain if kind == "thread" else coroutine).schedule()
        ids = parent.result(10)
        orphan = child.schedule(3)
        assert 3 == orphan.result(10)
    parents = {str(one.id): one._snapshot.record.parent for one in manager.find(Query(kind="child"))}
    assert {**dict.fromkeys(ids, parent.id.hex), str(orphan.id): None} == parents


def test_the_deadline_is_an_instant_by_the_wall_clock(manager: Manager) -> None:
    """Aware, and as far ahead as the limit says."""

    @manager.job(timeout=60)
    def job(ctx: Context) -> datetime | None:
        return ctx.deadline

    with manager.worker(concurrency=1):
        before = datetime.now(UTC)
        deadline = job.schedule().result(10)
        assert deadline is not None
        assert 59 < (deadline - before).total_seconds() < 70


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_a_progress_outside_of_zero_to_one_is_refused(manager: Manager, fraction: float) -> None:
    """The error says what is taken."""

    @manager.job
    def job(ctx: Context) -> None:
        ctx.progress(fraction)

    with manager.worker(concurrency=1), pytest.raises(JobFailed, match="between 0 and 1"):
        job.schedule().result(10)
