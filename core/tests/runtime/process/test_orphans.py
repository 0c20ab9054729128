"""A child never outlives its worker: killed, ended without a stop, or forgotten."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rota.testing import wait_until

WAIT_S = 60

PROGRAM = """
import ctypes, os, sys, rota

manager = rota.Manager("memory://")

@manager.job(executor="process")
def idle() -> int:
    return os.getpid()

@manager.job(executor="process")
def busy() -> None:
    print(os.getpid(), flush=True)
    while True:
        pass

@manager.job(executor="process")
def native() -> None:
    print(os.getpid(), flush=True)
    ctypes.PyDLL(None).sleep(3600)  # holds the interpreter: no thread of the child can run

if __name__ == "__main__":
    kind, how = sys.argv[1:]
    manager.__enter__()
    worker = manager.worker(concurrency=1).start()
    one = manager[kind].schedule()
    if kind == "idle":
        print(one.result(60), flush=True)
    if how == "exit":
        input()
        sys.exit(3)
    one.join(3600)
    input()
"""


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Programs, ended after the test whatever happens."""
    (tmp_path / "program.py").write_text(PROGRAM)
    started: list[subprocess.Popen[str]] = []
    yield started
    for one in started:
        one.kill()
        one.communicate()


def started(
    folder: Path, programs: list[subprocess.Popen[str]], kind: str, how: str
) -> tuple[subprocess.Popen[str], int]:
    """A worker process, and its child."""
    program = subprocess.Popen(
        [sys.executable, "program.py", kind, how],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    programs.append(program)
    assert program.stdout is not None
    return program, int(program.stdout.readline())


def is_alive(process: int) -> bool:
    """Whether there is such a process, other than one that waits to be buried."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("kind", ["idle", "busy", "native"])
def test_child_dies_with_a_worker_that_was_killed(
    tmp_path: Path, programs: list[subprocess.Popen[str]], kind: str
) -> None:
    """Whatever it is at: waiting, running Python, or in native code that lets no thread run."""
    program, child = started(tmp_path, programs, kind, "stay")
    assert is_alive(child)
    os.kill(program.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(child), WAIT_S, "the child is gone")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("kind", ["idle", "busy"])
def test_program_that_ends_without_a_stop_takes_its_children_along(
    tmp_path: Path, programs: list[subprocess.Popen[str]], kind: str
) -> None:
    """It does not wait for them, and its exit code is its own."""
    program, child = started(tmp_path, programs, kind, "exit")
    program.communicate("\n", timeout=WAIT_S)
    assert 3 == program.returncode
    wait_until(lambda: not is_alive(child), WAIT_S, "the child is gone")
