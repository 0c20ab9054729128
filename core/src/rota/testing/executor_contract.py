"""What every executor promises, as tests for pytest, to be run by the author of one.

from rota.testing.executor_contract import ExecutorContract

class TestCluster(ExecutorContract):
    executor = "cluster"
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import pytest

from rota.jobs.instance import Instance
from rota.jobs.job import Job
from rota.manager.manager import Manager
from rota.manager.worker import Worker
from rota.model.errors import JobCanceled, JobFailed, JobTimedOut
from rota.model.policy import ExecutorOptions, Retry
from rota.model.state import State
from rota.plugins.host import PluginHost
from rota.testing.contract_jobs import FUNCTIONS, mark, marked
from rota.testing.descendants import descendants
from rota.testing.waiting import wait_until

__all__ = ["ExecutorContract"]

_WAIT_S: Final = 60.0  # for what comes by itself; only a failing test waits so long
_LIMIT_S: Final = 0.2
_TEN_MB: Final = 10_000_000
_DESCRIPTORS: Final = Path("/proc/self/fd")  # Linux; elsewhere they are not counted


class ExecutorContract:
    """Derive a class whose name starts with `Test`, and say which `executor` it is for.

    `hasty` are options with which a job that ignores a cancel request is killed soon. `jobs` are what the contract
    runs, by name: see `rota.testing.contract_jobs` for what each has to do. An executor whose jobs are no functions
    overrides `job`. What is asked beyond that follows from the `capabilities` that the executor declares.
    """

    executor: ClassVar[str | ExecutorOptions]
    hasty: ClassVar[str | ExecutorOptions | None] = None
    jobs: ClassVar[Mapping[str, Callable[..., Any]]] = FUNCTIONS

    def job(self, manager: Manager, name: str, **options: Any) -> Job[..., Any]:
        """The contract's job of that name, defined for `manager`."""
        options = {"executor": self.executor, **options}
        return manager.job(kind=name, **options)(self.jobs[name])

    @property
    def capabilities(self) -> frozenset[Literal["cancel", "kill"]]:
        """What the executor declares."""
        name = self.executor if isinstance(self.executor, str) else self.executor.executor
        found: frozenset[Literal["cancel", "kill"]] = PluginHost.load(os.environ).executors.load(name).capabilities  # type: ignore[attr-defined]
        return found

    def needs_kill(self) -> None:
        """Skip a test of what only an executor that can kill promises."""
        if "kill" not in self.capabilities:
            pytest.skip("the executor declares no `kill`: nothing ends a job that does not listen")

    # ---- results -----------------------------------------------------------------------------

    def test_result_of_a_job_is_what_it_returned(self) -> None:
        """One attempt, COMPLETED."""
        with _manager() as manager:
            one = self.job(manager, "add").schedule(1, 2)
            with _worker(manager, 1):
                assert one.result(_WAIT_S) == 3
            assert _states(one) == [State.CREATED, State.SCHEDULED, State.PROCESSING, State.COMPLETED]
            assert one.refresh().attempt == 1

    def test_several_values_come_back_by_annotation(self) -> None:
        """A tuple of different types stays one."""
        with _manager() as manager, _worker(manager, 1):
            assert self.job(manager, "several").schedule(1, "two").result(_WAIT_S) == (1, "two", [b"one", b"two"])

    def test_ten_megabytes_go_there_and_back(self) -> None:
        """As an argument, and as a result."""
        data = bytes(range(250)) * (_TEN_MB // 250)
        with _manager() as manager, _worker(manager, 1):
            assert self.job(manager, "echo").schedule(data).result(_WAIT_S) == data

    def test_exception_comes_back_as_text(self) -> None:
        """Class, message, and a traceback that begins in the job's function."""
        with _manager() as manager, _worker(manager, 1):
            one = self.job(manager, "fail").schedule("no such order")
            with pytest.raises(JobFailed) as failed:
                one.result(_WAIT_S)
        assert (failed.value.type_name, failed.value.message) == ("ValueError", "no such order")
        assert "raise ValueError(message)" in failed.value.traceback
        assert "invoke" not in failed.value.traceback

    def test_failure_is_retried(self) -> None:
        """As often as the job says."""
        with _manager() as manager, _worker(manager, 1):
            one = self.job(manager, "fail", retry=Retry(2, backoff=0)).schedule("again").join(_WAIT_S)
        assert (one.state, one.attempt) == (State.TERMINATED, 3)

    def test_a_thousand_small_jobs(self) -> None:
        """Each has its own result; none is lost, and none is run twice."""
        with _manager() as manager, _worker(manager, 4) as worker:
            add = self.job(manager, "add")
            instances = manager.schedule_many(add.call(number, number) for number in range(1000))
            assert worker.drain(_WAIT_S)
            assert [one.refresh().outcome() for one in instances] == list(range(0, 2000, 2))
            assert {one.refresh().attempt for one in instances} == {1}

    # ---- what it says meanwhile --------------------------------------------------------------

    def test_lines_land_in_the_log_of_the_instance(self) -> None:
        """Those of the context and those of standard `logging`, in order, before it is final."""
        with _manager() as manager, _worker(manager, 1):
            one = self.job(manager, "log").schedule().join(_WAIT_S)
            assert [line.message for line in one.logs()] == ["through the context", "through logging"]

    def test_last_progress_is_kept(self) -> None:
        """On the instance, and not as a line."""
        with _manager() as manager, _worker(manager, 1):
            one = self.job(manager, "progress").schedule().join(_WAIT_S)
            assert (one.progress, list(one.logs())) == (0.75, [])

    # ---- ending ------------------------------------------------------------------------------

    def test_job_over_its_time_is_timed_out(self, tmp_path: Path) -> None:
        """And its slot goes on."""
        self._times_out("listen", tmp_path)

    def test_job_over_its_time_that_does_not_listen_is_killed(self, tmp_path: Path) -> None:
        """At the limit."""
        self.needs_kill()
        self._times_out("ignore", tmp_path)

    def _times_out(self, name: str, folder: Path) -> None:
        with _manager() as manager, _worker(manager, 1):
            one = self.job(manager, name, timeout=_LIMIT_S).schedule(str(folder))
            with pytest.raises(JobTimedOut):
                one.result(_WAIT_S)
            assert self.job(manager, "add").schedule(1, 2).result(_WAIT_S) == 3
            mark(str(folder), "go")

    def test_canceled_while_queued_it_never_runs(self, tmp_path: Path) -> None:
        """The only slot is taken by another one."""
        before, queued = tmp_path / "before", tmp_path / "queued"
        before.mkdir()
        queued.mkdir()
        with _manager() as manager, _worker(manager, 1):
            listen = self.job(manager, "listen")
            first = _running(listen.schedule(str(before)), before)
            second = listen.schedule(str(queued))
            assert second.cancel()
            mark(str(before), "go")
            first.result(_WAIT_S)
            assert second.join(_WAIT_S).state is State.CANCELED
        assert not marked(str(queued), "running")

    def test_canceled_while_it_runs_it_ends(self, tmp_path: Path) -> None:
        """When it listens; its slot goes on."""
        self._is_canceled(self.executor, "listen", tmp_path)

    def test_canceled_while_it_runs_and_does_not_listen_it_is_killed(self, tmp_path: Path) -> None:
        """After the grace."""
        self.needs_kill()
        self._is_canceled(self.hasty or self.executor, "ignore", tmp_path)

    def _is_canceled(self, executor: str | ExecutorOptions, name: str, folder: Path) -> None:
        with _manager() as manager, _worker(manager, 1):
            one = _running(self.job(manager, name, executor=executor).schedule(str(folder)), folder)
            assert one.cancel()
            with pytest.raises(JobCanceled):
                one.result(_WAIT_S)
            assert self.job(manager, "add").schedule(1, 2).result(_WAIT_S) == 3

    def test_stop_releases_what_runs(self, tmp_path: Path) -> None:
        """It goes back to the queue, and the attempt does not count."""
        self._is_released("listen", tmp_path)

    def test_stop_kills_what_runs_and_does_not_listen(self, tmp_path: Path) -> None:
        """It goes back to the queue all the same."""
        self.needs_kill()
        self._is_released("ignore", tmp_path)

    def _is_released(self, name: str, folder: Path) -> None:
        with _manager() as manager:
            with _worker(manager, 1) as worker:
                one = _running(self.job(manager, name).schedule(str(folder)), folder)
                worker.stop(grace=0)
            now = one.refresh()
            assert (now.state, now.attempt, one.history()[-1].reason) == (State.SCHEDULED, 0, "released")

    # ---- what it leaves ----------------------------------------------------------------------

    def test_stopped_worker_leaves_nothing(self, tmp_path: Path) -> None:
        """No thread, no descriptor, no process: whatever it ran, and however that ended.

        What the first worker leaves is what Python's own libraries keep for the whole program."""
        self._run_a_bit_of_all(tmp_path / "first")
        before = _threads(), _descriptors(), descendants()
        self._run_a_bit_of_all(tmp_path / "second")
        wait_until(lambda: not _left(before), _WAIT_S, f"all are gone: {_left(before)}")

    def _run_a_bit_of_all(self, folder: Path) -> None:
        folder.mkdir()
        with _manager() as manager, _worker(manager, 2) as worker:
            add = self.job(manager, "add")
            instances = manager.schedule_many([add.call(1, 2), *(add.call(number, 0) for number in range(10))])
            self.job(manager, "fail").schedule("no")
            slow = self.job(manager, "listen", timeout=_LIMIT_S).schedule(str(folder))
            slow.join(_WAIT_S)
            assert worker.drain(_WAIT_S)
            assert instances[0].result(_WAIT_S) == 3


@contextmanager
def _manager() -> Iterator[Manager]:
    with Manager("memory://") as manager:
        yield manager


def _worker(manager: Manager, concurrency: int) -> Worker:
    return manager.worker(concurrency=concurrency, grace=_WAIT_S)


def _running(one: Instance[Any], folder: Path) -> Instance[Any]:
    wait_until(lambda: marked(str(folder), "running"), _WAIT_S, f"{one} runs")
    return one


def _states(one: Instance[Any]) -> list[State]:
    return [entry.state for entry in one.history()]


def _threads() -> set[str]:
    return {f"{one.name} {one.ident}" for one in threading.enumerate()}


def _descriptors() -> set[str]:
    if not _DESCRIPTORS.exists():
        return set()
    links = (_DESCRIPTORS / name for name in os.listdir(_DESCRIPTORS))
    return {f"{one.name} {os.readlink(one)}" for one in links if one.is_symlink()}


def _left(before: tuple[set[str], set[str], set[int]]) -> list[object]:
    threads, descriptors, processes = before
    return [*(_threads() - threads), *(_descriptors() - descriptors), *(descendants() - processes)]
