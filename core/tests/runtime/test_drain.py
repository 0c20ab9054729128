"""Draining: wait until nothing of the worker's kinds is due or running, here or elsewhere."""

import threading
from datetime import timedelta

from core.tests.runtime.harness import Gate

from rota import Manager, Retry, State
from rota.model.records import WorkerRecord
from rota.testing import wait_until


def test_an_idle_worker_is_drained_at_once(manager: Manager) -> None:
    """Also with no time to wait."""
    manager.job(kind="job")(lambda: None)
    with manager.worker(concurrency=1) as worker:
        assert worker.drain(0)


def test_a_drain_waits_for_what_runs_and_what_is_due(manager: Manager, gate: Gate) -> None:
    """False when the time was too short; it stops nothing."""

    @manager.job
    def job() -> None:
        gate.hold()

    with manager.worker(concurrency=1) as worker:
        instances = [job.schedule() for _ in range(3)]
        assert not worker.drain(0.05)
        assert not worker.drain(timedelta(milliseconds=1))
        gate.open()
        assert worker.drain(10)
        assert [State.COMPLETED] * 3 == [one.refresh().state for one in instances]


def test_what_is_due_later_is_not_waited_for(manager: Manager) -> None:
    """Neither a delayed instance nor the backoff of a failed one."""

    @manager.job(retry=Retry(1, backoff=3600))
    def fails() -> None:
        raise OSError

    with manager.worker(concurrency=1) as worker:
        later, failed = fails.options(after=3600).schedule(), fails.schedule()
        wait_until(lambda: failed.refresh().attempt == 1)
        assert worker.drain(10)
        assert State.SCHEDULED is later.refresh().state


def test_a_paused_kind_is_not_waited_for(manager: Manager) -> None:
    """Nobody would start it; what of it still runs is waited for."""

    @manager.job
    def paused() -> None: ...

    @manager.job
    def other() -> str:
        return "done"

    manager.pause("paused")
    with manager.worker(concurrency=1) as worker:
        held, run = paused.schedule(), other.schedule()
        assert worker.drain(10)
        assert "done" == run.result(0)
        assert State.SCHEDULED is held.refresh().state
        manager.resume("paused")
        assert worker.drain(10)
        assert State.COMPLETED is held.refresh().state


def test_what_another_worker_runs_is_waited_for(manager: Manager) -> None:
    """The worker's kinds are drained, wherever they run."""

    @manager.job
    def job() -> None: ...

    store = manager._store
    store.beat("other", 60_000, WorkerRecord(id="other"))
    instance = job.schedule()
    store.claim("other", 1, ["job"], 1)
    with manager.worker(concurrency=1) as worker:
        assert not worker.drain(0.06)
        threading.Thread(target=store.retire, args=("other",)).start()
        assert worker.drain(10)
    assert State.COMPLETED is instance.refresh().state


def test_kinds_of_others_are_not_waited_for(manager: Manager) -> None:
    """Only those that this worker runs."""

    @manager.job
    def mine() -> None: ...

    @manager.job
    def theirs() -> None: ...

    with manager.worker(concurrency=1, kinds=["mine"]) as worker:
        left, run = theirs.schedule(), mine.schedule()
        assert worker.drain(10)
        assert [State.SCHEDULED, State.COMPLETED] == [one.refresh().state for one in (left, run)]


def test_what_jobs_schedule_is_drained_as_well(manager: Manager) -> None:
    """A chain of ten, each scheduling the next."""
    ran: list[int] = []

    @manager.job
    def link(number: int) -> None:
        ran.append(number)
        if number:
            link.schedule(number - 1)

    with manager.worker(concurrency=2) as worker:
        link.schedule(9)
        assert worker.drain(10)
    assert list(range(9, -1, -1)) == ran
