"""A store that fails: nothing is lost, nothing doubled, nothing restarted, and one warning says so."""

import random
from collections.abc import Iterator

import pytest
from core.tests.runtime.harness import (
    HOUR_S,
    FaultyStore,
    Gate,
    accepted,
    await_state,
    faulty,
    pass_time,
    running,
    states,
    while_time_passes,
)

from rota import Context, Manager, Query, Retry, State
from rota.model.errors import CorruptRecord, StoreUnavailable
from rota.testing import FakeClock, wait_until

ONCE = [State.CREATED, State.SCHEDULED, State.PROCESSING, State.COMPLETED]


@pytest.fixture
def shaky(clock: FakeClock) -> Iterator[tuple[Manager, FaultyStore]]:
    """A manager on a store that fails on demand."""
    manager, store = faulty(clock)
    with manager:
        yield manager, store


def _completed(manager: Manager) -> int:
    return manager.count(Query(state=State.COMPLETED))


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("operation", ["claim", "settle", "append_logs", "beat", "reap", "due_schedules"])
def test_one_failed_call_costs_nothing(
    shaky: tuple[Manager, FaultyStore], clock: FakeClock, operation: str, fault: str
) -> None:
    """Not done, or done but the reply was lost: every job runs once, in its first attempt, with its whole log."""
    manager, store = shaky
    ran: list[int] = []

    @manager.job
    def job(ctx: Context, number: int) -> int:
        ran.append(number)
        ctx.log.info("line %d", number)
        return number

    with running(clock, manager.worker(concurrency=2, lease=HOUR_S)) as worker:
        name = worker.name
        job.schedule(-1).result(10)
        store.fail(operation, fault, fault, fault)  # type: ignore[arg-type]
        instances = manager.schedule_many(job.call(number) for number in range(20))
        while_time_passes(clock, lambda: wait_until(lambda: _completed(manager) == 21))
        assert list(range(20)) == [one.result(1) for one in instances]
        assert name == worker.name
    assert list(range(-1, 20)) == sorted(ran)
    for number, one in enumerate(instances):
        assert ONCE == accepted(one)
        assert [f"line {number}"] == [line.message for line in one.logs()]


def test_an_outage_is_waited_out_without_a_restart(
    shaky: tuple[Manager, FaultyStore], clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Running jobs go on and are settled afterwards; loops come back by themselves; each warned once."""
    manager, store = shaky
    gate = Gate()

    @manager.job
    def held(number: int) -> int:
        gate.hold()
        return number

    @manager.job
    def quick() -> str:
        return "quick"

    with running(clock, manager.worker(concurrency=2, lease=HOUR_S)) as worker:
        name = worker.name
        instances = [held.schedule(1), held.schedule(2)]
        gate.await_arrivals(2)
        store.go_down()
        gate.open()
        pass_time(clock, 120)
        store.come_back()
        assert [State.PROCESSING] * 2 == [one.refresh().state for one in instances]
        pass_time(clock, 6)
        assert [1, 2] == [one.result(10) for one in instances]
        assert "quick" == quick.schedule().result(10)
        assert name == worker.name
    assert [ONCE] * 2 == [states(one) for one in instances]
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert {"dispatcher", "heartbeat", "maintenance", "settler"} == {str(one.args[0]) for one in warnings if one.args}
    assert 4 == len(warnings)
    assert [] == [record for record in caplog.records if record.levelname == "ERROR"]


def test_pauses_grow_to_five_seconds_and_no_further(shaky: tuple[Manager, FaultyStore], clock: FakeClock) -> None:
    """A store that is down for an hour is not hammered, and the first success is no more than 5 s late."""
    manager, store = shaky
    manager.job(kind="job")(lambda: None)
    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        store.go_down()
        pass_time(clock, 60, 0.5)
        first_calls = "claim", "beat", "now_ms"  # of dispatcher, heartbeat and maintenance
        before = [store.calls[one] for one in first_calls]
        pass_time(clock, 600, 0.5)
        tries = [store.calls[one] - old for one, old in zip(first_calls, before, strict=True)]
        assert all(600 / 6 <= number <= 600 / 2.5 for number in tries), tries
        store.come_back()
        pass_time(clock, 6, 0.5)
        assert 1 == len(manager.workers())


def test_a_lease_that_ended_in_an_outage_is_taken_anew(clock: FakeClock, gate: Gate) -> None:
    """Others may have its jobs; here they run again under a new id once the store is back."""
    manager, store = faulty(clock)
    runs: list[int] = []
    with manager:

        @manager.job
        def job(ctx: Context) -> int:
            runs.append(ctx.token)
            if len(runs) == 1:
                ctx.wait(HOUR_S)
            return len(runs)

        with running(clock, manager.worker(concurrency=1, lease=15)) as worker:
            name = worker.name
            instance = job.schedule()
            wait_until(lambda: runs)
            store.go_down()
            pass_time(clock, 30)
            store.come_back()
            store._inner.reap()
            while_time_passes(clock, lambda: await_state(instance, State.COMPLETED))
            assert 2 == instance.result(1)
            assert name != worker.name
    assert "crashed" == instance.history()[3].reason


def test_a_start_without_a_store_fails_and_leaves_nothing(shaky: tuple[Manager, FaultyStore]) -> None:
    """The caller decides; a second start succeeds."""
    manager, store = shaky
    manager.job(kind="job")(lambda: None)
    worker = manager.worker(concurrency=1)
    for operation in ("beat", "put_kinds"):
        store.fail(operation, "before")
        with pytest.raises(StoreUnavailable):
            worker.start()
        assert worker.name is None
        assert [] == manager.workers()
    with worker:
        assert 1 == len(manager.workers())


def test_an_outcome_that_the_store_cant_take_stops_no_other(
    shaky: tuple[Manager, FaultyStore], clock: FakeClock, caplog: pytest.LogCaptureFixture, gate: Gate
) -> None:
    """Settled one by one, the poison record is reported and left to the audit; the others are recorded."""
    manager, store = shaky

    @manager.job
    def job(number: int) -> int:
        gate.hold()
        return number

    with running(clock, manager.worker(concurrency=3, lease=HOUR_S)):
        instances = [job.schedule(number) for number in range(3)]
        gate.await_arrivals(3)
        settle = store._inner.settle

        def picky(outcomes):  # type: ignore[no-untyped-def]
            if any(one.id == instances[1].id.hex for one in outcomes):
                raise CorruptRecord("can't be encoded")
            return settle(outcomes)

        store.overrides["settle"] = picky
        gate.open()
        assert [0, 2] == [instances[number].result(10) for number in (0, 2)]
        wait_until(lambda: "the store can't settle the attempt of" in caplog.text)
        assert State.PROCESSING is instances[1].refresh().state


def test_a_line_that_the_store_cant_take_stops_no_other(
    shaky: tuple[Manager, FaultyStore], clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left out and reported; the lines beside it and the outcome are written."""
    manager, store = shaky

    @manager.job
    def job(ctx: Context) -> str:
        for number in range(5):
            ctx.log.info("line %d", number)
        return "done"

    append = store._inner.append_logs

    def picky(lines):  # type: ignore[no-untyped-def]
        if any(one.message == "line 2" for one in lines):
            raise OverflowError("can't be encoded")
        append(lines)

    store.overrides["append_logs"] = picky
    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        instance = job.schedule()
        assert "done" == instance.result(10)
    assert ["line 0", "line 1", "line 3", "line 4"] == [line.message for line in instance.logs()]
    assert "it is left out" in caplog.text


def test_a_claim_that_says_the_lease_is_lost_gives_a_new_id(
    shaky: tuple[Manager, FaultyStore], clock: FakeClock
) -> None:
    """As after `clear`: the worker makes itself known anew and goes on."""
    manager, store = shaky

    @manager.job
    def job() -> str:
        return "done"

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)) as worker:
        name = worker.name
        assert "done" == job.schedule().result(10)
        store._inner.clear(force=True)
        assert "done" == job.schedule().result(10)
        assert name != worker.name


@pytest.mark.parametrize("seed", range(8))
def test_a_store_that_fails_again_and_again_loses_nothing(clock: FakeClock, seed: int) -> None:
    """Each call fails with 10 % before and 10 % after it is done: every job ends once, as it should."""
    manager, store = faulty(clock)
    rng = random.Random(seed)
    with manager:

        @manager.job(retry=Retry(1, backoff=1))
        def plain(ctx: Context, number: int) -> int:
            if number % 3 == 0 and ctx.attempt == 1:
                raise OSError
            return number

        @manager.job
        async def coroutine(number: int) -> int:
            return number

        instances = manager.schedule_many((plain if number % 2 else coroutine).call(number) for number in range(60))
        completed = Query(state=State.COMPLETED).to_filter()
        with running(clock, manager.worker(concurrency=3, lease=HOUR_S)):
            store.chance = lambda: rng.choices(["before", "after", None], [10, 10, 80])[0]
            while_time_passes(clock, lambda: wait_until(lambda: store._inner.count(completed) == 60))
            store.chance = lambda: None
        assert list(range(60)) == [one.result(1) for one in instances]
        for number, one in enumerate(instances):
            failures = 1 if number % 2 and number % 3 == 0 else 0
            ends = [entry for entry in one.history() if entry.state.final]
            assert [State.TERMINATED] * failures + [State.COMPLETED] == [entry.state for entry in ends]
            assert list(range(1, failures + 2)) == [entry.attempt for entry in ends]
