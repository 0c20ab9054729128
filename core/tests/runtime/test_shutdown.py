"""The promise of a stop, whole: fifty running jobs of every kind, a real signal, and what the store holds after it."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, os, sys, threading, rota

manager = rota.Manager("memory://")
never = threading.Event()

@manager.job
def thread_listens(ctx: rota.Context) -> None:
    os.write(1, b"running\\n")
    ctx.wait(3600)

@manager.job
def thread_deaf() -> None:
    os.write(1, b"running\\n")
    never.wait(3600)

@manager.job
async def loop_listens() -> None:
    os.write(1, b"running\\n")
    await asyncio.sleep(3600)

@manager.job
async def loop_deaf() -> None:
    os.write(1, b"running\\n")
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            pass

@manager.job(executor="process")
def child_listens(ctx: rota.Context) -> None:
    os.write(1, b"running\\n")
    ctx.wait(3600)

@manager.job(executor="process")
def child_deaf() -> None:
    os.write(1, b"running\\n")
    never.wait(3600)

@manager.job(executor="process")
async def child_loop() -> None:
    os.write(1, b"running\\n")
    await asyncio.sleep(3600)

if __name__ == "__main__":
    grace = float(sys.argv[1])
    for kind, number in {numbers}.items():
        manager.schedule_many(manager[kind].call() for _ in range(number))
    code = manager.run(concurrency=50, grace=grace)
    for one in manager.scan():
        print(one.kind, one.state.value, one.attempt, one.history()[-1].reason, flush=True)
    sys.exit(code)
"""

NUMBERS = {
    "thread_listens": 12, "thread_deaf": 10, "loop_listens": 12, "loop_deaf": 8,
    "child_listens": 3, "child_deaf": 3, "child_loop": 2,
}  # fmt: skip


@pytest.fixture
def program(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """A place for the program, which is ended after the test whatever happens."""
    (tmp_path / "program.py").write_text(PROGRAM.replace("{numbers}", repr(NUMBERS)))
    started: list[subprocess.Popen[str]] = []
    yield started
    for one in started:
        one.kill()
        one.communicate()


def _run(folder: Path, program: list[subprocess.Popen[str]], grace_s: float) -> subprocess.Popen[str]:
    """The program, once all its fifty jobs run."""
    one = subprocess.Popen(
        [sys.executable, "program.py", str(grace_s)],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    program.append(one)
    assert one.stdout is not None
    assert ["running"] * 50 == [one.stdout.readline().strip() for _ in range(50)]
    return one


def _expected() -> Counter[str]:
    return Counter({f"{kind} scheduled 0 released": number for kind, number in NUMBERS.items()})


@pytest.mark.timeout(120)
def test_signal_gives_fifty_running_jobs_back(tmp_path: Path, program: list[subprocess.Popen[str]]) -> None:
    """After a grace of 2 s none is left PROCESSING, no attempt is consumed, whether or not they listen; exit code 0."""
    one = _run(tmp_path, program, 2)
    one.send_signal(signal.SIGTERM)
    out, err = one.communicate(timeout=60)
    assert (0, _expected()) == (one.returncode, Counter(out.splitlines())), err


@pytest.mark.timeout(120)
def test_second_signal_gives_them_back_at_once(tmp_path: Path, program: list[subprocess.Popen[str]]) -> None:
    """The same without waiting for a grace of an hour."""
    one = _run(tmp_path, program, 3600)
    one.send_signal(signal.SIGTERM)
    one.send_signal(signal.SIGINT)
    out, err = one.communicate(timeout=60)
    assert (0, _expected()) == (one.returncode, Counter(out.splitlines())), err
