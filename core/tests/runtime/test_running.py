"""Jobs of both kinds in one worker: their results, and never more of them at once than there are slots."""

import asyncio
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from core.tests.runtime.harness import Gate, states

from rota import ConfigError, Manager, Query, State
from rota.testing import wait_until


@dataclass
class Point:
    """A result with fields."""

    x: int
    at: datetime


def test_plain_and_coroutine_functions_run_in_one_worker(manager: Manager) -> None:
    """`def` runs in a thread, `async def` in the one event loop; both give their results."""

    @manager.job
    def plain(a: int) -> tuple[int, str]:
        return a, threading.current_thread().name

    @manager.job
    async def coroutine(a: int) -> tuple[int, str]:
        await asyncio.sleep(0)
        return a, threading.current_thread().name

    with manager.worker(concurrency=3):
        waiting = [job.schedule(number) for number in range(5) for job in (plain, coroutine)]
        expected = [(number, name) for number in range(5) for name in ("rota-thread", "rota-loop")]
        assert expected == [one.result(10) for one in waiting]


def test_a_result_is_restored_by_its_annotation(manager: Manager) -> None:
    """What a job returns is data, and comes back as what the function says it returns."""
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)

    @manager.job
    def locate(x: int) -> Point:
        return Point(x, noon)

    with manager.worker(concurrency=1):
        assert Point(3, noon) == locate.schedule(3).result(10)


def test_a_finished_instance_went_through_every_state_once(manager: Manager) -> None:
    """CREATED, SCHEDULED, PROCESSING, COMPLETED; the worker is named where it acted."""

    @manager.job
    def nothing() -> None: ...

    with manager.worker(concurrency=1) as worker:
        instance = nothing.schedule()
        assert instance.result(10) is None
        assert [State.CREATED, State.SCHEDULED, State.PROCESSING, State.COMPLETED] == states(instance)
        assert [None, None, worker.name, worker.name] == [entry.worker for entry in instance.history()]


def test_many_short_jobs_all_run_once(manager: Manager) -> None:
    """However claims, prefetch and slots interlock, each of a thousand runs exactly once."""
    ran: list[int] = []

    @manager.job
    def note(number: int) -> None:
        ran.append(number)

    @manager.job
    async def anote(number: int) -> None:
        ran.append(number)

    with manager.worker(concurrency=3) as worker:
        manager.schedule_many((note if number % 3 else anote).call(number) for number in range(1000))
        assert worker.drain(20)
    assert list(range(1000)) == sorted(ran)


def test_never_more_jobs_run_than_there_are_slots(manager: Manager) -> None:
    """Threads and coroutines share the slots of a worker."""
    gate = Gate()
    gate.open()

    @manager.job
    def plain() -> None:
        gate.hold()

    @manager.job
    async def coroutine() -> None:
        gate._enter()
        await asyncio.sleep(0.001)
        gate._leave()

    with manager.worker(concurrency=3) as worker:
        manager.schedule_many((plain if number % 2 else coroutine).call() for number in range(300))
        assert worker.drain(20)
    assert 300 == gate.came
    assert 3 == gate.most


def test_all_slots_are_used_by_blocked_jobs_of_both_kinds(manager: Manager, gate: Gate) -> None:
    """With more waiting than slots, exactly as many run as there are slots."""

    @manager.job
    def plain() -> None:
        gate.hold()

    @manager.job
    async def coroutine() -> None:
        await gate.ahold()

    with manager.worker(concurrency=4) as worker:
        manager.schedule_many((plain if number % 2 else coroutine).call() for number in range(12))
        gate.await_arrivals(4)
        assert 4 == manager.count(Query(state=State.PROCESSING))
        assert 8 == manager.count(Query(state=State.SCHEDULED))
        gate.open()
        assert worker.drain(20)
    assert 4 == gate.most
    assert 12 == gate.came


def test_more_slots_take_effect_at_once(manager: Manager, gate: Gate) -> None:
    """After `resize` upwards what waits starts, although every slot there was is taken."""

    @manager.job
    def plain() -> None:
        gate.hold()

    with manager.worker(concurrency=1) as worker:
        manager.schedule_many(plain.call() for _ in range(5))
        gate.await_arrivals(1)
        worker.resize(4)
        gate.await_arrivals(4)
        assert 4 == worker.concurrency
        gate.open()
        assert worker.drain(20)
    assert 4 == gate.most


def test_fewer_slots_let_running_jobs_finish_and_start_no_more(manager: Manager) -> None:
    """After `resize` downwards nothing is interrupted, and the next start only once fewer run."""
    first, then = Gate(), Gate()

    @manager.job
    def before() -> None:
        first.hold()

    @manager.job
    def after() -> None:
        then.hold()

    with manager.worker(concurrency=4) as worker:
        manager.schedule_many(before.call() for _ in range(4))
        first.await_arrivals(4)
        worker.resize(2)
        waiting = manager.schedule_many(after.call() for _ in range(6))
        assert 4 == first.inside
        first.open()
        then.await_arrivals(2)
        wait_until(lambda: first.inside == 0)
        then.open()
        assert [None] * 6 == [one.result(10) for one in waiting]
    assert 2 == then.most


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "2"])
def test_a_worker_without_slots_is_refused(manager: Manager, number: object) -> None:
    """`concurrency` is a whole number of at least 1, when made and when resized."""
    worker = manager.worker(concurrency=1)
    with pytest.raises(ConfigError, match="concurrency"):
        worker.resize(number)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="concurrency"):
        manager.worker(concurrency=number)  # type: ignore[arg-type]


def test_a_worker_runs_the_kinds_that_it_was_given_only(manager: Manager) -> None:
    """`kinds` are patterns; what matches none waits for another worker."""

    @manager.job(kind="mail.send")
    def send() -> str:
        return "sent"

    @manager.job(kind="bill.send")
    def bill() -> str:
        return "billed"

    with manager.worker(concurrency=2, kinds=["mail.*"]):
        left, taken = bill.schedule(), send.schedule()
        assert "sent" == taken.result(10)
        assert State.SCHEDULED is left.refresh().state
    with manager.worker(concurrency=2, kinds=["bill.*"]):
        assert "billed" == left.result(10)
