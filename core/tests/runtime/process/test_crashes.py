"""A child that dies under a job: told in words, counted apart from failures, and nobody else's matter."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from core.tests.runtime.process.jobs import jobs

from rota import Instance, JobCrashed, Manager, State, Transition
from rota.testing import descendants, wait_until

WAIT_S = 60


def reasons(one: Instance[object]) -> list[str | None]:
    """Why each change of state came."""
    return [entry.reason for entry in one.history()][2:]


def test_exit_is_a_crash_and_beyond_the_bound_poison(manager: Manager, caplog: pytest.LogCaptureFixture) -> None:
    """Each is in the history with its error and in the worker's log; no attempt is consumed by those sent back."""
    with manager.worker(concurrency=1):
        one = manager["exits"].schedule(7)
        with pytest.raises(JobCrashed, match="exited with code 7"):
            one.result(WAIT_S)
        assert [None, "crashed", None, "crashed", None, "crashed", None, "poison"] == reasons(one)
        assert ["crash 1 of 'exits'", "crash 2 of 'exits'", "crash 3 of 'exits'", "crash 4 of 'exits'"] == [
            str(entry.error).split("; ")[1].split(",")[0] for entry in one.history() if entry.error is not None
        ]
        assert (State.TERMINATED, 1) == (one.refresh().state, one.refresh().attempt)
        assert "crashed in attempt 1, which counts as no attempt: the child process exited with code 7" in caplog.text
        assert os.getpid() != manager["pid"].schedule().result(WAIT_S)


def test_job_that_crashes_once_completes(manager: Manager, folder: Path) -> None:
    """In another child; it was one attempt."""
    with manager.worker(concurrency=1):
        one = manager["exits_once"].schedule(str(folder)).join(WAIT_S)
    assert ("done", 1) == (one.outcome(), one.attempt)
    assert [None, "crashed", None, None] == reasons(one)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_signal_is_named(manager: Manager, number: signal.Signals) -> None:
    """By number and by name; `max_crashes` of the job counts."""
    with manager.worker(concurrency=1):
        one = manager["signals_itself"].schedule(int(number)).join(WAIT_S)
    assert f"killed by signal {int(number)} ({number.name})" in str(one.error)
    assert [None, "crashed", None, "poison"] == reasons(one)


def test_segmentation_fault_is_a_crash(manager: Manager) -> None:
    """In native code, where no exception can be."""
    with manager.worker(concurrency=1):
        assert "SIGSEGV" in str(manager["segfaults"].schedule().join(WAIT_S).error)


def test_killed_from_outside_its_neighbours_finish(
    manager: Manager, folder: Path, pids: Callable[[int], list[int]]
) -> None:
    """As the kernel does when memory runs out: what ran there runs again, what ran beside it never notices."""
    with manager.worker(concurrency=3):
        instances = [manager["held"].schedule(str(folder)) for _ in range(3)]
        victim = pids(3)[0]
        os.kill(victim, signal.SIGKILL)
        assert victim not in pids(4)[3:]
        (folder / "go").touch()
        assert victim not in [one.result(WAIT_S) for one in instances]
    crashes = [one.history()[3].error for one in instances if "crashed" in reasons(one)]
    assert ["by hand, or by the kernel when memory ran out" in str(error) for error in crashes] == [True]


def test_no_memory_is_an_exception_like_any_other(manager: Manager) -> None:
    """Where the system refuses it instead of killing, the job fails."""
    with manager.worker(concurrency=1):
        error = manager["eats_memory"].schedule().join(WAIT_S).error
    assert error is not None
    assert "MemoryError" == error.type_name


def test_child_that_dies_between_two_jobs_is_nobodys_crash(manager: Manager) -> None:
    """The next job runs in another one."""
    with manager.worker(concurrency=1):
        first = manager["pid"].schedule().result(WAIT_S)
        os.kill(first, signal.SIGKILL)
        _await_gone(first)
        one = manager["pid"].schedule().join(WAIT_S)
    assert first != one.outcome()
    assert [None, None] == reasons(one)


def _await_gone(process: int) -> None:
    wait_until(lambda: process not in descendants(), WAIT_S, "it is gone")


@pytest.mark.parametrize("data", [b"Traceback (most recent call last)", bytes(64), b"\x00\x00\x00\x01\xc1"])
def test_what_is_no_message_on_the_pipe_hangs_nobody(manager: Manager, data: bytes) -> None:
    """The child is killed, and its job has crashed; the worker goes on."""
    with manager.worker(concurrency=1):
        one = manager["writes_to_the_pipe"].schedule(data).join(WAIT_S)
        assert "wrote to its pipe what is no message" in str(one.error)
        assert manager["pid"].schedule().result(WAIT_S)


def test_child_without_its_pipe_is_a_crash(manager: Manager) -> None:
    """A job that closes every descriptor can't be heard any more."""
    with manager.worker(concurrency=1):
        one = manager["closes_everything"].schedule().join(WAIT_S)
    assert isinstance(one.error, JobCrashed)


def test_processors_of_state_changes_are_told(manager: Manager) -> None:
    """Of each crash, and of the poison in the end."""
    told: list[tuple[State, str | None]] = []
    job = manager["signals_itself"]

    def note(instance: Instance[None], transition: Transition) -> None:
        told.append((transition.state, transition.reason))

    changes = jobs["signals_itself"].definition.processors.on_state_change
    job.on_state_change(note)
    try:
        with manager.worker(concurrency=1):
            job.schedule(int(signal.SIGKILL)).join(WAIT_S)
    finally:
        changes.remove(note)
    ended = [(state, reason) for state, reason in told if state is not State.PROCESSING]
    assert [(State.SCHEDULED, "crashed"), (State.TERMINATED, "poison")] == ended


def test_children_that_can_not_start_are_told_of(folder: Path) -> None:
    """A lifespan that raises in the child: the instance says so, after as many tries as it may crash."""
    from core.tests.runtime.process.jobs import broken_lifespan

    with Manager("memory://", jobs=[jobs], lifespan=broken_lifespan) as manager, manager.worker(concurrency=1):
        one = manager["pid"].schedule().join(WAIT_S)
        with pytest.raises(JobCrashed, match="could not start: its lifespan raised OSError: no database here"):
            one.outcome()
