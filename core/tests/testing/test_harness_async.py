"""The harness and event loops: jobs that are coroutines, and tests that are."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from core.tests.client.managers import fresh_url

from rota import ConfigError, Context, Instance, Manager, Query, Retry, State
from rota.testing import Harness, harness


@pytest.fixture
def manager() -> Manager:
    """The program's manager."""
    return Manager(fresh_url(), name="app")


@pytest.fixture
def kit(manager: Manager) -> Iterator[Harness]:
    """Its harness."""
    with harness(manager) as kit:
        yield kit


# ---- jobs that are coroutines --------------------------------------------------------------------


def test_a_coroutine_runs_in_the_thread_of_the_test(manager: Manager, kit: Harness) -> None:
    """On one private loop, in a test that is a plain function."""
    loops: list[Any] = []

    @manager.job
    async def work(n: int) -> int:
        await asyncio.sleep(0)
        loops.append((asyncio.get_running_loop(), threading.current_thread()))
        return n

    for n in (1, 2):
        work.schedule(n)
    assert [1, 2] == [one.outcome() for one in kit.drain()]
    assert 1 == len(set(loops))
    assert threading.main_thread() is loops[0][1]


def test_a_sleep_of_a_coroutine_takes_no_real_time(manager: Manager, kit: Harness) -> None:
    """The timers of the loop go by the clock of the test."""

    @manager.job
    async def slow() -> float:
        began = asyncio.get_running_loop().time()
        await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(86_400.0004))
        return asyncio.get_running_loop().time() - began

    slow.schedule()
    assert [86_400.001] == [one.outcome() for one in kit.drain()]
    assert 86_400.001 == kit.clock.monotonic()


def test_a_coroutine_past_its_deadline_is_cut_off(manager: Manager, kit: Harness) -> None:
    """Where it awaits, at the deadline exactly."""
    cut: list[float] = []

    @manager.job(timeout=0.2)
    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cut.append(kit.clock.monotonic())

    kit.clock.advance(0.1)
    slow.schedule()
    assert [State.TIMED_OUT] == [one.state for one in kit.drain()]
    assert [0.3] == cut


def test_a_coroutine_that_is_canceled_learns_of_it(manager: Manager, kit: Harness) -> None:
    """As its await goes on."""

    @manager.job
    async def canceled(ctx: Context) -> None:
        await ctx.client.acancel(Query(kind="canceled"))
        await asyncio.sleep(60)

    canceled.schedule()
    assert [State.CANCELED] == [one.state for one in kit.drain()]


def test_what_runs_beside_the_loop_is_waited_for_in_real_time(manager: Manager, kit: Harness) -> None:
    """A time-out by the clock must not overtake a thread that is about to answer."""
    go = threading.Event()

    @manager.job
    async def works() -> int:
        threading.Timer(0.02, go.set).start()
        async with asyncio.timeout(3600):
            return await asyncio.to_thread(lambda: 4 if go.wait(30) else 0)

    works.schedule()
    assert [4] == [one.outcome() for one in kit.drain()]
    assert 0.0 == kit.clock.monotonic()


def test_a_wait_beside_the_loop_lets_time_pass(manager: Manager, kit: Harness) -> None:
    """`Context.wait` in a helper that the job runs in a thread."""

    @manager.job
    async def works(ctx: Context) -> None:
        await asyncio.to_thread(ctx.wait, 30)

    works.schedule()
    assert [State.COMPLETED] == [one.state for one in kit.drain()]
    assert 30.0 == kit.clock.monotonic()


def test_what_a_job_left_behind_ends_with_the_harness(manager: Manager) -> None:
    """A task that nobody awaits is canceled, as when a worker stops."""
    ended: list[str] = []

    @manager.job
    async def leaves() -> None:
        async def on_and_on() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("task")

        leaves.task = asyncio.create_task(on_and_on())  # type: ignore[attr-defined]
        await asyncio.sleep(0)

    with harness(manager) as kit:
        manager.schedule(leaves.call())
        kit.drain()
        assert [] == ended
    assert ["task"] == ended


# ---- jobs that await other instances -------------------------------------------------------------


def test_a_job_that_awaits_others_lets_them_run(manager: Manager, kit: Harness) -> None:
    """Several at once, of every sort, their delays and retries included; time passes as far as they need it."""

    @manager.job
    def plain(n: int) -> int:
        return n

    @manager.job(retry=Retry(1, backoff=30))
    async def coroutine(ctx: Context, n: int) -> int:
        await asyncio.sleep(5)
        if ctx.attempt == 1:
            raise OSError("no")
        return n

    @manager.job
    async def parent() -> int:
        made = [await plain.aschedule(1), await coroutine.aschedule(2), await plain.options(after=60).aschedule(3)]
        return sum(await asyncio.gather(*(one.aresult(100) for one in made)))

    @manager.job
    async def grandparent() -> int:
        return 10 * await (await parent.aschedule()).aresult()

    one = grandparent.schedule()
    assert ["grandparent", "parent", "plain", "coroutine", "plain"] == [each.kind for each in kit.drain()]
    assert (60, 60.0) == (one.result(), kit.clock.monotonic())


def test_a_plain_job_that_is_awaited_sees_no_event_loop(manager: Manager, kit: Harness) -> None:
    """It may wait, and run a loop of its own, as in a thread; its processors too."""
    seen: list[object] = []

    @manager.job
    def plain(ctx: Context) -> int:
        ctx.wait(5)
        return asyncio.run(asyncio.sleep(0, 8))

    @plain.on_state_change
    def changed(instance: Instance[Any], transition: Any) -> None:
        seen.append(asyncio.run(asyncio.sleep(0, transition.state)))

    @manager.job
    async def parent() -> int:
        return await (await plain.aschedule()).aresult()

    one = parent.schedule()
    kit.drain()
    assert (8, 5.0) == (one.result(), kit.clock.monotonic())
    assert [State.PROCESSING, State.COMPLETED] == seen


def test_a_job_that_awaits_what_nothing_will_end_fails_and_says_why(manager: Manager, kit: Harness) -> None:
    """Instead of hanging: here its kind is paused, or two await one another."""

    @manager.job
    def held() -> None: ...

    @manager.job
    async def parent() -> None:
        await (await held.aschedule()).aresult()

    @manager.job
    async def itself(ctx: Context) -> None:
        await ctx.instance.aresult()

    manager.pause("held")
    parent.schedule()
    itself.schedule()
    first, second = kit.drain()
    assert "nothing will end" in str(first.error)
    assert "'held'" in str(first.error)
    assert "is processing" in str(second.error)


def test_a_time_out_of_such_an_await_goes_by_the_clock(manager: Manager, kit: Harness) -> None:
    """It is the builtin one, and the other goes on waiting for its time."""

    @manager.job
    def late() -> None: ...

    @manager.job
    async def parent() -> str:
        one = await late.options(after=60).aschedule()
        try:
            await one.aresult(10)
        except TimeoutError as error:
            return str(error)
        return ""

    parent.schedule()
    (one,) = kit.drain()
    assert "has not ended within 10" in one.outcome()
    assert (10.0, ["late"]) == (kit.clock.monotonic(), [each.kind for each in kit.scheduled()])


# ---- tests that are coroutines -------------------------------------------------------------------


def test_a_test_that_is_a_coroutine_uses_the_twins(manager: Manager) -> None:
    """They run the jobs beside the loop, which others may await results on."""

    @manager.job
    async def work(n: int) -> int:
        await asyncio.sleep(60)
        return n

    async def main() -> None:
        async with harness(manager) as kit:
            one, late = await work.aschedule(1), await work.options(after=3600).aschedule(2)
            pending = asyncio.ensure_future(one.aresult())
            assert [one.id] == [each.id for each in await kit.adrain()]
            assert 1 == await pending
            assert [late.id] == [each.id for each in await kit.aadvance(3600)]
            assert 2 == await late.aresult()

    asyncio.run(main())


def test_draining_on_an_event_loops_thread_is_refused(manager: Manager) -> None:
    """It would stop the loop; the error names the twin."""

    async def main() -> None:
        with harness(manager) as kit:
            for blocking in (kit.drain, lambda: kit.advance(1)):
                with pytest.raises(ConfigError, match=r"adrain\(\)"):
                    blocking()

    asyncio.run(main())


def test_an_async_lifespan_lives_on_the_loop_of_the_jobs() -> None:
    """Entered and left there, also by a test that runs a loop itself."""
    loops: list[object] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[list[float]]:
        loops.append(asyncio.get_running_loop())
        yield [1.5]
        loops.append(asyncio.get_running_loop())

    manager = Manager(fresh_url(), lifespan=lifespan)

    @manager.job
    async def uses(ctx: Context) -> float:
        loops.append(asyncio.get_running_loop())
        return ctx.resource(float)

    def check() -> None:
        assert (3, 1) == (len(loops), len(set(loops)))
        loops.clear()

    with harness(manager) as kit:
        uses.schedule()
        assert [1.5] == [one.outcome() for one in kit.drain()]
    check()

    async def main() -> None:
        with harness(manager) as kit:
            await uses.aschedule()
            assert [1.5] == [one.outcome() for one in await kit.adrain()]

    asyncio.run(main())
    check()
