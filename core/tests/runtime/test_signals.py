"""`run()` in processes of their own, ended by real signals."""

import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from rota import ConfigError, Manager

_PROGRAM = """
import sys, threading, time
import rota

manager = rota.Manager("memory://")

def say(*words):
    print(*words, flush=True)

@manager.job
def short():
    say("running")
    sys.stdin.readline()
    say("finished")

@manager.job
def listens(ctx: rota.Context):
    say("running")
    try:
        ctx.wait(60)
    except rota.JobCanceled as error:
        say("asked to end")
        raise

@manager.job
def deaf():
    say("running")
    time.sleep(60)

@manager.job
def idle():
    say("running")

if __name__ == "__main__":
    kind, grace = sys.argv[1:]
    instance = manager.remote(kind).schedule()
    code = manager.run(concurrency=2, grace=float(grace))
    say(instance.refresh().state.value, instance.refresh().attempt, instance.history()[-1].reason)
    left = [one for one in threading.enumerate() if one.name.startswith("rota-") and kind != "deaf"]
    for one in left:
        one.join(5)
    say(*sorted(one.name for one in left if one.is_alive()))
    sys.exit(code)
"""


class _Run:
    """A worker process, whose output is read line by line."""

    def __init__(self, folder: Path, kind: str, grace: float) -> None:
        program = folder / "program.py"
        program.write_text(textwrap.dedent(_PROGRAM))
        self.process = subprocess.Popen(
            [sys.executable, str(program), kind, str(grace)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
        )  # fmt: skip
        assert self.process.stdout is not None
        self._out = self.process.stdout

    def line(self, timeout_s: float = 15) -> str:
        """The next line."""
        ready, _, _ = select.select([self._out], [], [], timeout_s)
        assert ready, "nothing was written"
        return self._out.readline().decode().strip()

    def go_on(self) -> None:
        """Let a job that waits for it end."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def end(self, timeout_s: float) -> int:
        """The exit code, which must come within `timeout_s`."""
        return self.process.wait(timeout_s)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[list[_Run]]:
    """Processes, ended after the test whatever happens."""
    started: list[_Run] = []
    yield started
    for run in started:
        run.process.kill()
        run.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_jobs_finish(tmp_path: Path, runs: list[_Run], number: signal.Signals) -> None:
    """Exit code 0, the job completed, no thread left."""
    runs.append(run := _Run(tmp_path, "short", 25))
    assert "running" == run.line()
    os.kill(run.process.pid, number)
    run.go_on()
    assert ["finished", "completed 1 None", ""] == [run.line(), run.line(), run.line()]
    assert 0 == run.end(10)


def test_a_signal_to_an_idle_worker_ends_it(tmp_path: Path, runs: list[_Run]) -> None:
    """Without waiting for the end of any grace."""
    runs.append(run := _Run(tmp_path, "idle", 25))
    assert "running" == run.line()
    os.kill(run.process.pid, signal.SIGTERM)
    assert 0 == run.end(10)


def test_a_job_over_the_grace_is_asked_and_released(tmp_path: Path, runs: list[_Run]) -> None:
    """The instance is back in the queue, no attempt consumed, before the process is gone."""
    runs.append(run := _Run(tmp_path, "listens", 0.1))
    assert "running" == run.line()
    os.kill(run.process.pid, signal.SIGTERM)
    assert ["asked to end", "scheduled 0 released", ""] == [run.line(), run.line(), run.line()]
    assert 0 == run.end(10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_is_immediate(tmp_path: Path, runs: list[_Run], number: signal.Signals) -> None:
    """The grace ends, what runs is released, and the process is gone although a thread still sleeps."""
    runs.append(run := _Run(tmp_path, "deaf", 600))
    assert "running" == run.line()
    os.kill(run.process.pid, number)
    with pytest.raises(subprocess.TimeoutExpired):
        run.end(0.3)
    os.kill(run.process.pid, number)
    assert "scheduled 0 released" == run.line()
    assert 0 == run.end(10)


def test_run_outside_of_the_main_thread_is_refused(manager: Manager) -> None:
    """Python gives signals to the main thread only; the error says what to use instead."""
    import threading

    caught: list[BaseException] = []

    def runs() -> None:
        try:
            manager.run(concurrency=1)
        except ConfigError as error:
            caught.append(error)

    thread = threading.Thread(target=runs)
    thread.start()
    thread.join(10)
    assert "manager.worker()" in str(caught[0])


def test_run_puts_the_signal_handlers_back(manager: Manager) -> None:
    """Also when the start fails."""

    def lifespan() -> None: ...

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    broken = Manager("memory://", lifespan=lifespan)  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        broken.run(concurrency=1)
    assert before == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
