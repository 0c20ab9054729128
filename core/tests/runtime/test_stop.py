"""Stopping: claim no more, grace, ask, release; nothing lost, nothing left behind."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from core.tests.runtime.harness import HOUR_S, Gate, await_state, faulty, running, states, timed, while_time_passes

from rota import ConfigError, Context, JobCanceled, Manager, Query, State
from rota.runtime.slots import Slots
from rota.testing import FakeClock, wait_until

RELEASED = [State.CREATED, State.SCHEDULED, State.PROCESSING, State.SCHEDULED]


@pytest.fixture
def manager(clock: FakeClock) -> Iterator[Manager]:
    """A manager by the clock that stands still."""
    with timed(clock) as manager:
        yield manager


def test_a_job_that_ends_within_the_grace_completes(manager: Manager, clock: FakeClock, gate: Gate) -> None:
    """A stop waits for it, and claims nothing new meanwhile."""

    @manager.job
    def job() -> str:
        gate.hold()
        return "done"

    worker = manager.worker(concurrency=1, lease=HOUR_S, grace=25).start()
    running = job.schedule()
    gate.await_arrivals(1)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    wait_until(lambda: worker._consumer is not None and worker._consumer._slots._closed)
    waiting = job.schedule()
    assert State.SCHEDULED is waiting.refresh().state
    gate.open()
    stopping.join(10)
    assert "done" == running.result(1)
    assert State.SCHEDULED is waiting.refresh().state
    assert worker.name is None


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_a_job_that_outlasts_the_grace_is_asked_to_end_then_released(
    manager: Manager, clock: FakeClock, kind: str
) -> None:
    """It goes back to the queue with the reason, its attempt not consumed; the next worker runs it anew."""
    said: list[str] = []
    started = threading.Event()

    def plain(ctx: Context) -> int:
        started.set()
        if len(said) < 1:
            try:
                ctx.wait(3600)
            except JobCanceled as error:
                said.append(str(error))
                raise
        return ctx.attempt

    async def coroutine(ctx: Context) -> int:
        started.set()
        if len(said) < 1:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                said.append("its worker is stopping")
                raise
        return ctx.attempt

    job = manager.job(kind="job")(plain if kind == "thread" else coroutine)
    worker = manager.worker(concurrency=1, lease=HOUR_S, grace=25).start()
    instance = job.schedule()
    assert started.wait(10)
    took_s = while_time_passes(clock, worker.stop)
    assert 25 <= took_s < 27
    assert "its worker is stopping" in said[0]
    assert RELEASED == states(instance)
    assert "released" == instance.history()[-1].reason
    assert 0 == instance.refresh().attempt
    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        assert 1 == instance.result(10)


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_a_job_that_ignores_the_stop_is_released_and_what_it_returns_is_not_taken(
    manager: Manager, clock: FakeClock, gate: Gate, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After grace and a moment to listen it is left to itself; its late end changes nothing and tells nobody."""
    monkeypatch.setattr("rota.runtime.executors.event_loop._JOIN_S", 0.1)
    seen: list[str] = []

    def plain() -> str:
        gate.hold()
        return "late"

    async def coroutine() -> str:
        while not gate.opened:
            with suppress(asyncio.CancelledError):
                await gate.ahold()
        return "late"

    job = manager.job(kind="job")(plain if kind == "thread" else coroutine)
    job.on_complete(lambda instance, result: seen.append(result))
    worker = manager.worker(concurrency=1, lease=HOUR_S, grace=5).start()
    instance = job.schedule()
    gate.await_arrivals(1)
    assert 5 <= while_time_passes(clock, worker.stop)
    assert RELEASED == states(instance)
    gate.open()
    wait_until(lambda: not [one for one in threading.enumerate() if one.name.startswith("rota-")])
    assert RELEASED == states(instance)
    assert [] == seen


def test_what_a_job_returns_after_it_was_asked_to_stop_counts(manager: Manager, clock: FakeClock) -> None:
    """A job that uses the last moment to finish has finished."""

    @manager.job
    def saves(ctx: Context) -> str:
        try:
            ctx.wait(3600)
        except JobCanceled:
            return "saved"
        return "waited"

    worker = manager.worker(concurrency=1, lease=HOUR_S, grace=5).start()
    instance = saves.schedule()
    await_state(instance, State.PROCESSING)
    wait_until(lambda: clock.waiters == 5)
    while_time_passes(clock, worker.stop)
    assert "saved" == instance.result(1)


def test_what_was_claimed_ahead_goes_back_at_once(manager: Manager, clock: FakeClock, gate: Gate) -> None:
    """Prefetched instances are released when the stop begins, not when it ends."""

    @manager.job
    def quick(number: int) -> int:
        return number

    @manager.job
    def slow() -> None:
        gate.hold()

    worker = manager.worker(concurrency=1, lease=HOUR_S, grace=600).start()
    quick.schedule(0).result(10)
    instances = manager.schedule_many([slow.call(), *(quick.call(number) for number in range(5))])
    gate.await_arrivals(1)
    for one in instances:
        await_state(one, State.PROCESSING)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    for one in instances[1:]:
        await_state(one, State.SCHEDULED)
        assert ("released", 0) == (one.history()[-1].reason, one.refresh().attempt)
    assert State.PROCESSING is instances[0].refresh().state
    gate.open()
    stopping.join(10)
    assert State.COMPLETED is instances[0].refresh().state


def test_a_canceled_job_that_is_released_by_a_stop_is_canceled(manager: Manager, clock: FakeClock, gate: Gate) -> None:
    """What would go back to the queue loses against a cancel."""

    @manager.job
    def deaf() -> None:
        gate.hold()

    worker = manager.worker(concurrency=1, lease=HOUR_S, grace=1).start()
    instance = deaf.schedule()
    gate.await_arrivals(1)
    instance.cancel()
    while_time_passes(clock, worker.stop)
    assert State.CANCELED is instance.refresh().state


def test_the_grace_of_one_stop_can_be_given(manager: Manager, clock: FakeClock, gate: Gate) -> None:
    """`stop(grace=)` wins over the worker's; zero asks at once."""

    @manager.job
    def deaf() -> None:
        gate.hold()

    worker = manager.worker(concurrency=1, lease=HOUR_S, grace=600).start()
    deaf.schedule()
    gate.await_arrivals(1)
    assert while_time_passes(clock, lambda: worker.stop(grace=0)) < 3


def test_hurry_ends_the_grace(manager: Manager, gate: Gate) -> None:
    """Of a stop that another thread is in; the clock need not move."""

    @manager.job
    def deaf() -> None:
        gate.hold()

    worker = manager.worker(concurrency=1, lease=HOUR_S, grace=600).start()
    instance = deaf.schedule()
    gate.await_arrivals(1)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    wait_until(lambda: worker._consumer is not None and worker._consumer._slots._closed)
    worker.hurry()
    stopping.join(10)
    assert not stopping.is_alive()
    assert RELEASED == states(instance)


def test_start_and_stop_come_in_any_order_and_number() -> None:
    """Twice is once; a worker runs again after a stop, with what waited; no thread or descriptor is left."""
    with Manager("memory://") as manager:

        @manager.job
        def plain(number: int) -> int:
            return number

        @manager.job
        async def coroutine(number: int) -> int:
            return number

        worker = manager.worker(concurrency=2)
        worker.stop()
        for number in range(10):
            instances = [plain.schedule(number), coroutine.schedule(number)]
            assert worker is worker.start()
            name = worker.name
            worker.start()
            assert name == worker.name
            assert [number, number] == [one.result(10) for one in instances]
            worker.stop()
            worker.stop()
            assert worker.name is None
            assert [] == manager.workers()
            assert [] == [one.name for one in threading.enumerate() if one.name.startswith("rota-")]


def test_a_stop_right_after_a_job_is_prompt() -> None:
    """Wherever the loops stand when it comes, none of them sleeps on: no stop takes the five seconds of a wait."""
    with Manager("memory://") as manager:

        @manager.job(timeout=60)
        def quick() -> None: ...

        slowest = 0.0
        for _ in range(60):
            with manager.worker(concurrency=1):
                quick.schedule().result(10)
                began = time.monotonic()
            slowest = max(slowest, time.monotonic() - began)
    assert slowest < 2


def test_a_worker_whose_loops_block_just_after_they_looked_is_stopped_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An interrupt that came too early, when the step had begun and did not block yet, is given again."""
    gate = Gate()
    begun, held = threading.Event(), Slots.await_room

    def late(self: Slots, timeout_s: float) -> tuple[int, bool]:
        room = held(self, timeout_s)
        begun.set()
        gate.hold()
        return room

    monkeypatch.setattr(Slots, "await_room", late)
    with Manager("memory://") as manager:
        manager.job(kind="none")(lambda: None)
        worker = manager.worker(concurrency=1).start()
        consumer = worker._consumer
        assert consumer is not None
        assert begun.wait(10)
        stopping = threading.Thread(target=worker.stop)
        stopping.start()
        wait_until(lambda: consumer._slots._closed)
        gate.open()
        stopping.join(3)
        assert not stopping.is_alive()


def test_two_workers_share_the_work_and_stop_apart(manager: Manager, clock: FakeClock) -> None:
    """One goes, the other runs what is left."""

    @manager.job
    def job(ctx: Context) -> str:
        return ctx.worker

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)) as second:
        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)) as first:
            assert first.name != second.name
            assert 2 == len(manager.workers())
            assert {first.name, second.name} >= {one.result(10) for one in [job.schedule() for _ in range(50)]}
        assert 1 == len(manager.workers())
        assert second.name == job.schedule().result(10)


def test_a_stop_while_the_store_is_down_ends(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It says what could not be told to the store, and leaves nothing running; the lease takes care of the rest."""
    monkeypatch.setattr("rota.runtime.consumer._FLUSH_S", 0.1)
    gate = Gate()
    manager, store = faulty(clock)
    with manager:

        @manager.job
        def job() -> None:
            gate.hold()

        worker = manager.worker(concurrency=1, lease=HOUR_S, grace=0).start()
        job.schedule()
        gate.await_arrivals(1)
        store.go_down()
        gate.open()
        wait_until(lambda: gate.inside == 0)
        while_time_passes(clock, worker.stop)
        assert worker.name is None
        assert [] == [one.name for one in threading.enumerate() if one.name.startswith("rota-")]
        store.come_back()
        assert 1 == manager.count(Query(state=State.PROCESSING))
    assert "1 attempts stay unsettled" in caplog.text
    assert "still counts this worker as live" in caplog.text


def test_draining_a_stopped_worker_is_refused(manager: Manager) -> None:
    """The error says what to do."""
    with pytest.raises(ConfigError, match=r"start\(\) it"):
        manager.worker(concurrency=1).drain(1)
