"""Processors: called on an outcome, in order; what they raise is logged, what they answer counts."""

import asyncio
import logging
import threading
from typing import Any

import pytest
from core.tests.runtime.harness import HOUR_S, Gate, pass_time, running, states, timed

import rota_store_memory.plugin
from rota import Context, Instance, JobError, JobFailed, Manager, Resolved, Retry, State, Transition
from rota.plugins import ProcessorSpec, hookimpl
from rota.plugins.host import PluginHost
from rota.runtime.in_flight import InFlight
from rota.testing import FakeClock, wait_until


def _with_processors(manager: Manager, *specs: ProcessorSpec) -> None:
    class Plugin:
        @hookimpl
        def rota_processors(self) -> list[ProcessorSpec]:
            return list(specs)

    manager.__dict__["_plugins"] = PluginHost.for_tests([rota_store_memory.plugin, Plugin()])


def test_processors_are_called_in_the_order_of_their_attachment(manager: Manager) -> None:
    """The job's own first, then those of plugins; each sees the instance and the result."""
    seen: list[tuple[str, Any]] = []
    _with_processors(manager, ProcessorSpec("audit", on_complete=lambda one, result: seen.append(("plugin", result))))

    @manager.job
    def add(a: int, b: int) -> int:
        return a + b

    @add.on_complete
    def first(instance: Instance[int], result: int) -> None:
        seen.append(("first", (instance.kind, instance.state, result)))

    @add.on_complete
    def second(instance: Instance[int], result: int) -> None:
        seen.append(("second", result))

    with manager.worker(concurrency=1):
        assert 3 == add.schedule(1, 2).result(10)
    assert [("first", ("add", State.PROCESSING, 3)), ("second", 3), ("plugin", 3)] == seen


def test_on_complete_runs_before_the_outcome_is_recorded(manager: Manager, gate: Gate) -> None:
    """While it runs, the store still says PROCESSING."""

    @manager.job
    def job() -> None: ...

    @job.on_complete
    def hold(instance: Instance[None], result: None) -> None:
        gate.hold()

    with manager.worker(concurrency=1):
        instance = job.schedule()
        gate.await_arrivals(1)
        assert State.PROCESSING is instance.refresh().state
        gate.open()
        assert State.COMPLETED is instance.join(10).state


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
@pytest.mark.parametrize("error", [ValueError("bad processor"), SystemExit(3)], ids=["Exception", "SystemExit"])
def test_an_exception_in_a_processor_is_logged_and_changes_nothing(
    manager: Manager, caplog: pytest.LogCaptureFixture, kind: str, error: BaseException
) -> None:
    """The outcome stands, the processors after it are called, and so are those of later jobs."""
    seen: list[str] = []

    def plain(fail: bool) -> str:
        if fail:
            raise OSError("the job")
        return "done"

    async def coroutine(fail: bool) -> str:
        return plain(fail)

    job = manager.job(kind="job")(plain if kind == "thread" else coroutine)

    def broken(*arguments: object) -> None:
        raise error

    for attach in (job.on_complete, job.on_terminate, job.on_state_change):
        attach(broken)
    job.on_complete(lambda instance, result: seen.append("completed"))
    job.on_terminate(lambda instance, failure: seen.append("terminated"))
    job.on_state_change(lambda instance, transition: seen.append(transition.state.value))
    with manager.worker(concurrency=1):
        assert "done" == job.schedule(fail=False).result(10)
        with pytest.raises(JobFailed, match="the job"):
            job.schedule(fail=True).result(10)
    expected = ["processing", "completed", "completed", "processing", "terminated", "terminated"]
    assert sorted(expected) == sorted(seen)
    assert 6 == sum("the processor" in record.message for record in caplog.records)
    assert "rota.worker" == caplog.records[0].name


def test_on_terminate_is_called_when_no_retry_is_left(manager: Manager) -> None:
    """Once, after the last attempt, with the error that will be recorded."""
    seen: list[tuple[int, str, str]] = []

    @manager.job(retry=Retry(2, backoff=0))
    def fails() -> None:
        raise OSError("no")

    @fails.on_terminate
    def note(instance: Instance[None], error: JobError) -> None:
        seen.append((instance.attempt, error.type_name, error.message))

    with manager.worker(concurrency=1):
        assert State.TERMINATED is fails.schedule().join(10).state
    assert [(3, "OSError", "no")] == seen


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_resolved_turns_a_failure_into_a_success(manager: Manager, kind: str) -> None:
    """The instance is COMPLETED with that value, and later processors are not asked."""
    seen: list[str] = []

    def plain() -> int:
        raise OSError

    async def coroutine() -> int:
        raise OSError

    job = manager.job(kind="job")(plain if kind == "thread" else coroutine)
    job.on_terminate(lambda instance, error: Resolved(7))
    job.on_terminate(lambda instance, error: seen.append("asked"))
    with manager.worker(concurrency=1):
        instance = job.schedule()
        assert 7 == instance.result(10)
    assert [State.CREATED, State.SCHEDULED, State.PROCESSING, State.COMPLETED] == states(instance)
    assert [] == seen


def test_resolved_with_what_is_no_data_is_a_failure(manager: Manager) -> None:
    """TERMINATED says that the value can't be stored."""

    @manager.job
    def fails() -> None:
        raise OSError

    fails.on_terminate(lambda instance, error: Resolved(object()))  # type: ignore[arg-type]
    with manager.worker(concurrency=1), pytest.raises(JobFailed, match="can't be stored") as caught:
        fails.schedule().result(10)
    assert "ResultNotData" == caught.value.type_name


def test_an_error_that_a_processor_returns_replaces_the_jobs(manager: Manager) -> None:
    """The next processor gets it, and it is recorded; the same one handed back changes nothing."""
    seen: list[str] = []

    @manager.job
    def fails() -> None:
        raise OSError("deep inside")

    @manager.job
    def fails_too() -> None:
        raise OSError("deep inside")

    fails.on_terminate(lambda instance, error: LookupError(f"known: {error.message}"))
    fails.on_terminate(lambda instance, error: seen.append(str(error)))
    fails_too.on_terminate(lambda instance, error: error)
    with manager.worker(concurrency=1):
        with pytest.raises(JobFailed, match="known: deep inside") as caught:
            fails.schedule().result(10)
        assert "LookupError" == caught.value.type_name
        with pytest.raises(JobFailed, match="deep inside") as caught:
            fails_too.schedule().result(10)
        assert "OSError" == caught.value.type_name
        assert "in fails_too" in caught.value.traceback
    assert ["known: deep inside"] == seen


def test_on_state_change_is_called_after_the_commit(manager: Manager) -> None:
    """For every change that the worker made, in order; the store shows the state by then."""
    seen: list[tuple[State, int, str | None]] = []
    stored: list[bool] = []

    @manager.job(retry=Retry(1, backoff=0))
    def flaky() -> None:
        raise OSError("no")

    @flaky.on_state_change
    def note(instance: Instance[None], transition: Transition) -> None:
        seen.append((transition.state, transition.attempt, transition.error and transition.error.message))
        stored.append(any(entry.state is transition.state for entry in instance.history()))

    with manager.worker(concurrency=1):
        flaky.schedule().join(10)
    assert [
        (State.PROCESSING, 1, None),
        (State.TERMINATED, 1, "no"),
        (State.SCHEDULED, 1, None),
        (State.PROCESSING, 2, None),
        (State.TERMINATED, 2, "no"),
    ] == seen
    assert [True] * 5 == stored


def test_state_changes_of_one_instance_are_told_in_the_order_of_its_history(manager: Manager) -> None:
    """A retry may be claimed before its failed attempt was told of: it waits for its turn, so that who mirrors
    the states ends with the last one."""
    told: dict[str, list[tuple[State, int]]] = {}

    @manager.job(retry=Retry(9, backoff=0))
    def flaky() -> None:
        raise OSError

    @flaky.on_state_change
    def note(instance: Instance[None], transition: Transition) -> None:
        told.setdefault(str(instance.id), []).append((transition.state, transition.attempt))

    with manager.worker(concurrency=4):
        instances = [flaky.schedule() for _ in range(20)]
        for one in instances:
            one.join(10)
    for one in instances:
        entries = [(entry.state, entry.attempt) for entry in one.history() if entry.attempt]
        assert entries == told[str(one.id)]


def test_on_state_change_tells_what_the_store_made_of_the_outcome(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure that would be retried, with a cancel requested that is still on its way, is CANCELED and told so."""
    monkeypatch.setattr(InFlight, "cancel", lambda self, ids: None)
    seen: list[State] = []

    @manager.job(retry=Retry(5, backoff=0))
    def fails(ctx: Context) -> None:
        assert ctx.instance.cancel()
        raise OSError

    @fails.on_state_change
    def note(instance: Instance[None], transition: Transition) -> None:
        seen.append(transition.state)

    with manager.worker(concurrency=1):
        instance = fails.schedule()
        assert State.CANCELED is instance.join(10).state
    assert [State.PROCESSING, State.CANCELED] == seen


def test_processors_of_plugins_choose_their_kinds_by_pattern(manager: Manager) -> None:
    """Only kinds that match are told, capital and small letters apart."""
    seen: list[str] = []
    _with_processors(
        manager,
        ProcessorSpec("mail", on_complete=lambda one, result: seen.append(f"mail {one.kind}"), kinds=("mail.*",)),
        ProcessorSpec("all", on_state_change=lambda one, change: seen.append(f"{change.state.value} {one.kind}")),
    )
    for kind in ("mail.send", "Mail.send", "bill"):
        manager.job(kind=kind)(lambda: None)
    with manager.worker(concurrency=1):
        for kind in ("mail.send", "Mail.send", "bill"):
            manager.remote(kind).schedule().result(10)
    assert ["mail mail.send"] == [one for one in seen if one.startswith("mail ")]
    assert 3 == sum(one.startswith("completed ") for one in seen)


def test_slow_processors_hold_up_neither_the_loop_nor_the_timers(clock: FakeClock, gate: Gate) -> None:
    """For coroutines and for time-outs they run in threads of their own, while others go on."""
    threads: list[str] = []
    with timed(clock) as manager:

        @manager.job
        async def coroutine() -> str:
            return "slow to judge"

        @coroutine.on_complete
        def judge(instance: Instance[str], result: str) -> None:
            threads.append(threading.current_thread().name)
            gate.hold()

        @manager.job(timeout=5)
        async def stuck() -> None:
            await asyncio.sleep(3600)

        @stuck.on_terminate
        def judge_too(instance: Instance[None], error: JobError) -> None:
            threads.append(threading.current_thread().name)
            gate.hold()

        @manager.job
        async def quick() -> str:
            return "quick"

        @manager.job(timeout=1)
        async def short() -> None:
            await asyncio.sleep(3600)

        with running(clock, manager.worker(concurrency=4, lease=HOUR_S)):
            judged, late = coroutine.schedule(), stuck.schedule()
            gate.await_arrivals(1)
            pass_time(clock, 6)
            gate.await_arrivals(2)
            assert "quick" == quick.schedule().result(10)
            other = short.schedule()
            wait_until(lambda: other.refresh().state is State.PROCESSING)
            pass_time(clock, 2)
            assert State.TIMED_OUT is other.join(10).state
            assert State.PROCESSING is late.refresh().state
            gate.open()
            assert "slow to judge" == judged.result(10)
            assert State.TIMED_OUT is late.join(10).state
    assert threads[0].startswith("asyncio")
    assert "rota-deciding" == threads[1]


def test_a_backoff_function_runs_on_neither_the_loop_nor_the_timer(clock: FakeClock) -> None:
    """It is a user's code like a processor: a slow one holds up nobody else."""
    threads: list[str] = []

    def backoff(number: int) -> float:
        threads.append(threading.current_thread().name)
        return 0

    with timed(clock) as manager:

        @manager.job(retry=Retry(1, backoff=backoff))
        async def fails() -> None:
            raise OSError

        @manager.job(retry=Retry(1, backoff=backoff), timeout=1)
        async def stuck() -> None:
            await asyncio.sleep(3600)

        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
            fails.schedule().join(10)
            late = stuck.schedule()
            while not late.refresh().state.final:
                pass_time(clock, 1)
    assert threads[0].startswith("asyncio")
    assert "rota-deciding" == threads[1]


def test_the_end_of_a_stop_is_told_too_and_leaves_no_thread(manager: Manager, gate: Gate) -> None:
    """What completes in the grace, or goes back to the queue at the very end, reaches `on_state_change`."""
    seen: list[tuple[str, State]] = []

    @manager.job
    def ends(name: str) -> None:
        gate.hold()

    @manager.job
    async def is_released() -> None:
        await asyncio.sleep(3600)

    for job in (ends, is_released):
        job.on_state_change(lambda instance, transition: seen.append((instance.kind, transition.state)))
    worker = manager.worker(concurrency=2, grace=0)
    worker.start()
    ends.schedule("x")
    is_released.schedule()
    gate.await_arrivals(1)
    wait_until(lambda: len(seen) == 2)
    gate.open()
    worker.stop()
    assert ("ends", State.COMPLETED) in seen
    assert ("is_released", State.SCHEDULED) in seen


def test_a_result_that_is_no_data_never_reaches_on_complete(manager: Manager) -> None:
    """It is a failure: `on_terminate` is told, `on_complete` is not."""
    seen: list[str] = []

    @manager.job
    def job() -> object:
        return object()

    job.on_complete(lambda instance, result: seen.append("completed"))
    job.on_terminate(lambda instance, error: seen.append(error.type_name))
    with manager.worker(concurrency=1):
        assert State.TERMINATED is job.schedule().join(10).state
    assert ["ResultNotData"] == seen


def test_a_processors_log_lines_belong_to_the_job(manager: Manager, caplog: pytest.LogCaptureFixture) -> None:
    """What a job's own processors log lands in the log of the instance, as the job's lines do."""

    @manager.job
    def job() -> None: ...

    @job.on_complete
    def note(instance: Instance[None], result: None) -> None:
        logging.getLogger("elsewhere").warning("from the processor")

    with manager.worker(concurrency=1):
        instance = job.schedule()
        instance.result(10)
    assert ["from the processor"] == [line.message for line in instance.logs()]
