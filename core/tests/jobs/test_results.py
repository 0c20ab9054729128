"""Results: what the job returned, by its annotation, or the error that says how it ended."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from core.tests.client.managers import ByHand, fresh_url, managed, reach, working

from rota import Context, JobCanceled, JobCrashed, JobError, JobFailed, JobTimedOut, Manager, State
from rota.model.records import Ending, ErrorRecord, WorkerRecord
from rota.testing import FakeClock


@dataclasses.dataclass(frozen=True)
class Invoice:
    """A result that is data."""

    number: int
    at: datetime


_INVOICE = Invoice(7, datetime(2026, 1, 1, tzinfo=UTC))


def bill(number: int) -> Invoice:
    """A job that returns data."""
    return dataclasses.replace(_INVOICE, number=number)


def silent() -> None:
    """A job that returns nothing."""


def broken() -> int:
    """A job that fails."""
    raise FileNotFoundError("no such file: a.txt")


def test_result_has_its_type_where_the_job_is_known() -> None:
    """Restored by the annotation; a manager that doesn't know the kind reads plain data."""
    url = fresh_url()
    with Manager(url) as here, Manager(url) as elsewhere:
        job = here.job(bill)
        with here.worker(concurrency=1):
            one = job.schedule(7)
            one.join(timeout=10)
        assert _INVOICE == one.result(timeout=10) == here.get(one.id).result(timeout=10)
        assert {"number": 7, "at": "2026-01-01T00:00:00+00:00"} == elsewhere.get(one.id).result(timeout=10)


def test_result_of_a_job_by_name_is_plain_elsewhere_and_typed_here() -> None:
    """What counts is what the reader knows, not how it was scheduled."""
    url = fresh_url()
    with Manager(url) as here, Manager(url) as elsewhere:
        here.job(bill)
        with here.worker(concurrency=1):
            one = elsewhere.remote("bill").schedule("7").join(timeout=10)
        assert 7 == one.result(timeout=10)["number"]
        assert _INVOICE == here.get(one.id).result(timeout=10)


def test_result_of_a_job_without_one_is_none() -> None:
    """And does not look like a missing one."""
    manager = Manager("memory://")
    job = manager.job(silent)
    with working(manager):
        one = job.schedule()
        assert one.result(timeout=10) is None
        assert State.COMPLETED == one.join(timeout=10).state


def test_failure_raises_with_all_that_is_known_of_it() -> None:
    """Type name, message, traceback and id, as text: the exception itself never travels."""
    manager = Manager("memory://")
    job = manager.job(broken)
    with working(manager):
        one = job.schedule()
        with pytest.raises(JobFailed, match=r"no such file: a\.txt") as failed:
            one.result(timeout=10)
        assert (one.id, "FileNotFoundError") == (failed.value.instance_id, failed.value.type_name)
        assert "in broken" in failed.value.traceback
        assert failed.value == one.join(timeout=10).error


@pytest.mark.parametrize(
    ("ending", "category", "error"),
    [
        (Ending.TERMINATED, "failed", JobFailed),
        (Ending.TIMED_OUT, "timed_out", JobTimedOut),
        (Ending.CANCELED, "canceled", JobCanceled),
        (Ending.TERMINATED, "crashed", JobCrashed),
    ],
)
def test_every_end_without_success_has_its_error(ending: Ending, category: Any, error: type[JobError]) -> None:
    """`result` raises by the outcome, `join` never does, `error` carries the same."""
    with managed() as manager:
        one = manager.job(silent).schedule()
        ByHand(manager).end("silent", ending=ending, error=ErrorRecord(category, "X", "so it ended", "trace"))
        with pytest.raises(error, match="so it ended") as raised:
            one.result(timeout=0)
        assert ("X", "trace", one.id) == (raised.value.type_name, raised.value.traceback, raised.value.instance_id)
        assert type(one.join(timeout=0).error) is error


def test_canceled_in_the_queue_raises_job_canceled() -> None:
    """Where nothing ran, nothing was raised; the class of the error tells the end all the same."""
    with managed() as manager:
        one = manager.job(silent).options(after=60).schedule()
        one.cancel()
        with pytest.raises(JobCanceled, match=f"{one.id}.*silent.*canceled"):
            one.result(timeout=0)


def test_expired_in_the_queue_says_so() -> None:
    """The reason is part of the message."""
    clock = FakeClock()
    with managed(clock) as manager:
        one = manager.job(silent).options(expires=5).schedule()
        clock.advance(6)
        assert [] == ByHand(manager).claim("silent")
        with pytest.raises(JobCanceled, match="expired"):
            one.result(timeout=0)


def test_too_short_wait_says_why_it_was() -> None:
    """By what the store knows: due later, paused, without a worker, waiting, running, gone."""
    clock = FakeClock()
    with managed(clock) as manager:
        job = manager.job(silent)
        one = job.options(after=5).schedule()

        def said() -> str:
            with pytest.raises(TimeoutError) as short:
                one.result(timeout=0)
            with pytest.raises(TimeoutError) as awaited:
                asyncio.run(one.aresult(timeout=0))
            assert str(awaited.value).partition(": ")[2] == str(short.value).partition(": ")[2]
            return str(short.value)

        assert "scheduled and due in 5 s" in said()
        clock.advance(6)
        assert "no live worker takes 'silent'" in said()
        worker = ByHand(manager)
        worker.store.beat("by-hand", 60_000, WorkerRecord(id="by-hand", kinds=("silent",)))
        assert "waits for a free slot; live workers that take 'silent': 1" in said()
        manager.pause("silent")
        assert "its kind is paused until resume('silent')" in said()
        manager.resume("silent")
        worker.claim("silent")
        assert "it is processing, attempt 1 on the worker by-hand" in said()


@pytest.mark.parametrize("timeout", [0, 0.05, timedelta(milliseconds=50)])
def test_wait_that_was_too_short_is_a_timeout_error(timeout: Any) -> None:
    """The builtin one; the instance goes on."""
    with Manager("memory://") as manager:
        one = manager.job(silent).schedule()
        for ask in (one.result, one.join):
            with pytest.raises(TimeoutError, match=str(one.id)):
                ask(timeout)
        assert State.SCHEDULED == one.refresh().state


@pytest.mark.parametrize("timeout", [-1, float("nan"), "5", True])
def test_impossible_timeout_is_refused(timeout: Any) -> None:
    """Not taken for a short one, nor for an endless one."""
    from rota import ConfigError

    with managed() as manager, pytest.raises(ConfigError, match="timeout"):
        manager.job(silent).schedule().result(timeout)


def test_outcome_of_what_has_not_ended_is_no_result() -> None:
    """`outcome` never waits."""
    with managed() as manager, pytest.raises(JobError, match="scheduled and has no outcome yet"):
        manager.job(silent).schedule().outcome()


def test_result_that_does_not_fit_its_annotation_is_plain() -> None:
    """An annotation that lies loses no result."""

    def liar() -> int:
        return "text"  # type: ignore[return-value]

    manager = Manager("memory://")
    job = manager.job(liar)
    with working(manager):
        assert "text" == job.schedule().result(timeout=10)


def test_cancel_while_it_runs_ends_as_canceled() -> None:
    """The job hears of it by its context; what it returns after that does not count."""
    manager = Manager("memory://")

    @manager.job
    def endless(ctx: Context) -> int:
        while True:
            ctx.wait(60)

    with working(manager):
        one = endless.schedule()
        reach(one, State.PROCESSING)
        one.cancel()
        with pytest.raises(JobCanceled):
            one.result(timeout=10)


def test_attempt_over_its_time_raises_job_timed_out() -> None:
    """By the clock of the worker, whether or not the job listens."""
    manager = Manager("memory://")

    @manager.job(timeout=0.05)
    def slow(ctx: Context) -> int:
        ctx.wait(60)
        return 1

    with working(manager), pytest.raises(JobTimedOut, match="slow"):
        slow.schedule().result(timeout=10)


def test_raised_error_shows_the_type_and_the_remote_traceback() -> None:
    """As text, "TypeName: message", and in a note the job, the instance, and where it was raised."""
    manager = Manager("memory://")
    job = manager.job(broken)
    with working(manager):
        one = job.schedule()
        with pytest.raises(JobFailed) as failed:
            one.result(timeout=10)
        assert "FileNotFoundError: no such file: a.txt" == str(failed.value)
        (note,) = failed.value.__notes__
        assert note.startswith(f"in the job 'broken', instance {one.id}\nTraceback")
        assert "in broken" in note
