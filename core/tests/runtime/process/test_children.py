"""Children: warm, shared by equal options, replaced when worn, and a place where a job has all that it needs."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from core.tests.runtime.process.jobs import async_lifespan, jobs, lifespan

from rota import ConfigError, JobCanceled, JobFailed, Manager, ProcessOptions, State
from rota.testing import descendants, wait_until

WAIT_S = 60


def options_of(manager: Manager, kind: str, options: ProcessOptions) -> Any:
    """The job again, with other options."""
    return manager.job(kind=f"{kind}-again", executor=options)(jobs[kind].definition.function)  # type: ignore[arg-type]


def test_child_is_kept_and_shared_by_equal_options(manager: Manager) -> None:
    """`executor="process"` has the default ones; `def` and `async def` share it."""
    with manager.worker(concurrency=1):
        same = {manager[kind].schedule().result(WAIT_S) for kind in ("pid", "async_pid", "pid")}
        other = options_of(manager, "pid", ProcessOptions(max_jobs=100)).schedule().result(WAIT_S)
    assert 1 == len(same)
    assert other not in same | {os.getpid()}


def test_as_many_children_as_jobs_run_at_once(manager: Manager, folder: Path, pids: Callable[[int], list[int]]) -> None:
    """Each in a process of its own."""
    with manager.worker(concurrency=3):
        instances = [manager["held"].schedule(str(folder)) for _ in range(3)]
        assert 3 == len(pids(3))
        (folder / "go").touch()
        assert set(pids(3)) == {one.result(WAIT_S) for one in instances}


def test_child_is_replaced_after_so_many_jobs(manager: Manager) -> None:
    """Between two jobs; the one before leaves in order."""
    job = options_of(manager, "pid", ProcessOptions(max_jobs=2))
    with manager.worker(concurrency=1):
        found = [job.schedule().result(WAIT_S) for _ in range(6)]
    assert [found[0], found[0], found[2], found[2], found[4], found[4]] == found
    assert 3 == len(set(found))


def test_child_is_replaced_when_it_has_grown(manager: Manager) -> None:
    """Over its bound after every job, here."""
    job = options_of(manager, "pid", ProcessOptions(max_rss_bytes=1))
    with manager.worker(concurrency=1):
        assert 3 == len({job.schedule().result(WAIT_S) for _ in range(3)})


def test_worker_that_stops_leaves_no_child(manager: Manager) -> None:
    """Idle ones, worn ones, and those made ready ahead."""
    job = options_of(manager, "pid", ProcessOptions(max_jobs=1))
    with manager.worker(concurrency=2) as worker:
        manager.schedule_many(job.call() for _ in range(6))
        assert worker.drain(WAIT_S)
        found = {one.refresh().outcome() for one in manager.scan()}
    assert set() == found & descendants()
    assert [] == multiprocessing.active_children()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_group_leave_children_alone(
    manager: Manager, folder: Path, pids: Callable[[int], list[int]], number: signal.Signals
) -> None:
    """Ctrl-C and a supervisor's stop reach every process; the worker decides what becomes of its jobs."""
    with manager.worker(concurrency=1):
        one = manager["held"].schedule(str(folder))
        os.kill(pids(1)[0], number)
        (folder / "go").touch()
        assert pids(1)[0] == one.result(WAIT_S)


def test_lifespan_is_entered_once_in_each_child(folder: Path) -> None:
    """Before its first job; it is left when the child leaves in order."""
    with Manager("memory://", jobs=[jobs], lifespan=lifespan) as manager, manager.worker(concurrency=1):
        found = {manager["asks_resource"].schedule().result(WAIT_S) for _ in range(3)}
        child = manager["asks_for_a_mark"].schedule(str(folder)).result(WAIT_S)
    assert {child} == found
    assert (folder / f"left-{child}").exists()


def test_async_lifespan_lives_in_the_loop_of_the_jobs() -> None:
    """So that what is bound to a loop works."""
    with Manager("memory://", jobs=[jobs], lifespan=async_lifespan) as manager, manager.worker(concurrency=1):
        assert manager["shares_loop"].schedule().result(WAIT_S)


def test_lifespan_that_can_not_be_imported_stops_the_start() -> None:
    """The message says what to write; without process jobs it is nobody's concern."""
    said = "Manager\\(lifespan\\): another process can't import"
    with (
        Manager("memory://", jobs=[jobs], lifespan=lambda: lifespan()) as manager,
        pytest.raises(ConfigError, match=said),
    ):
        manager.worker(concurrency=1).start()


def test_context_says_the_same_as_in_the_worker(manager: Manager) -> None:
    """Identity, attempt, deadline and arguments."""
    with manager.worker(concurrency=1) as worker:
        one = manager["tells"].schedule(3, text="y")
        told: dict[str, Any] = one.result(WAIT_S)
        name = worker.name
    deadline = datetime.fromisoformat(str(told.pop("deadline")))
    assert timedelta(minutes=50) < deadline - datetime.now(UTC) < timedelta(minutes=61)
    assert {
        "kind": "tells", "id": str(one.id), "arguments": {"number": 3, "text": "y"}, "attempt": 1,
        "token": told["token"], "worker": name, "key": str(one.id), "requested": False, "current": True,
    } == told  # fmt: skip
    assert told["token"]


def test_job_is_told_why_it_should_end(manager: Manager, folder: Path, pids: Callable[[int], list[int]]) -> None:
    """As in a thread."""
    with manager.worker(concurrency=1):
        one = manager["tells_why"].schedule(str(folder))
        pids(1)
        one.cancel()
        with pytest.raises(JobCanceled):
            one.result(WAIT_S)
    assert "its cancellation was requested" in (folder / "why").read_text()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Special", (State.TERMINATED, 2)), ("KeyError", (State.TERMINATED, 1)), ("ValueError", (State.TERMINATED, 1))],
)
def test_retry_decides_by_the_names_of_classes(manager: Manager, name: str, expected: tuple[State, int]) -> None:
    """`on` takes a class derived from one of its own; `never_on` wins."""
    with manager.worker(concurrency=1):
        one = manager["raises"].schedule(name).join(WAIT_S)
    assert expected == (one.state, one.attempt)


@pytest.mark.parametrize(
    ("kind", "type_name"), [("returns_no_data", "ResultNotData"), ("returns_too_much", "ResultTooLarge")]
)
def test_result_that_can_not_be_kept_is_a_failure(manager: Manager, kind: str, type_name: str) -> None:
    """The same as in a thread."""
    with manager.worker(concurrency=1), pytest.raises(JobFailed) as failed:
        manager[kind].schedule().result(WAIT_S)
    assert type_name == failed.value.type_name


def test_arguments_are_checked_in_the_child(manager: Manager) -> None:
    """Called by name nothing is known before: the error names the parameter."""
    with manager.worker(concurrency=1), pytest.raises(JobFailed, match='argument "code" of "exits"'):
        manager.remote("exits").schedule("many").result(WAIT_S)


def test_processors_run_in_the_worker(manager: Manager) -> None:
    """With the result restored by its annotation."""
    told: list[object] = []
    processors = jobs["pid"].definition.processors.on_complete
    processors.append(lambda instance, result: told.append((os.getpid(), result)))
    try:
        with manager.worker(concurrency=1):
            found = manager["pid"].schedule().result(WAIT_S)
    finally:
        processors.clear()
    assert [(os.getpid(), found)] == told


def test_job_that_was_canceled_in_time_is_killed_at_once_without_grace(
    manager: Manager, folder: Path, pids: Callable[[int], list[int]]
) -> None:
    """A grace of nothing is a kill; the next job has another child."""
    job = options_of(manager, "held", ProcessOptions(cancel_grace=0))
    with manager.worker(concurrency=1):
        one = job.schedule(str(folder))
        (child,) = pids(1)
        one.cancel()
        assert State.CANCELED is one.join(WAIT_S).state
        wait_until(lambda: child not in descendants(), WAIT_S, "the child is gone")


def test_spawn_serves_where_there_is_no_fork_server(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    with manager.worker(concurrency=1):
        child = manager["pid"].schedule().result(WAIT_S)
        assert child in [one.pid for one in multiprocessing.active_children()]
    assert child not in descendants()


def test_machine_that_starts_no_process_crashes_the_job(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, and the worker lives on."""
    from rota.runtime.executors.process import executor

    def refuse(*_: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(executor, "Child", refuse)
    with manager.worker(concurrency=1):
        one = manager["pid"].schedule().join(WAIT_S)
    assert "no child process can be started" in str(one.error)
