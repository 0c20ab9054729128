"""What jobs, processors and lifespans may do to a worker without harm."""

import ctypes
import gc
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from core.tests.runtime.harness import HOUR_S, Gate, await_state, clocked, pass_time

from rota import ConfigError, Context, Instance, JobError, Manager, Retry, State, Transition
from rota.testing import FakeClock, wait_until


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is meant to die
def test_a_thread_that_dies_between_two_jobs_is_replaced(manager: Manager) -> None:
    """An exception thrown into a thread from outside may come when its job is over: the next job finds another one."""
    runners: list[int] = []

    @manager.job
    def note(number: int) -> int:
        runners.append(threading.get_ident())
        return number

    with manager.worker(concurrency=1):
        assert 1 == note.schedule(1).result(10)
        (runner,) = [one for one in threading.enumerate() if one.ident == runners[0]]
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(runners[0]), ctypes.py_object(SystemExit))
        assert [2, 3, 4] == [note.schedule(number).result(10) for number in (2, 3, 4)]
        wait_until(lambda: not runner.is_alive())
    assert runners[0] != runners[-1]


def test_stop_and_drain_inside_a_job_are_refused(manager: Manager) -> None:
    """Both would wait for themselves: a worker half stopped is worse than an error."""
    told: list[str] = []

    @manager.job
    def stops() -> None:
        worker.stop()

    @manager.job
    async def drains() -> None:
        worker.drain()

    @manager.job
    def quiet() -> None: ...

    @quiet.on_state_change
    def changed(instance: Instance[None], transition: Transition) -> None:
        with pytest.raises(ConfigError, match="inside a job or processor"):
            worker.stop()
        told.append(transition.state.value)

    worker = manager.worker(concurrency=1)
    with worker:
        for job in (stops, drains):
            with pytest.raises(JobError, match="inside a job or processor"):
                job.schedule().result(10)
        quiet.schedule().result(10)
        wait_until(lambda: told == ["processing", "completed"])
    assert worker.name is None
    assert [] == manager.workers()


def test_a_time_out_does_not_wait_for_the_processors_of_others(clock: FakeClock, gate: Gate) -> None:
    """It is recorded at the limit, also while another kind's processor takes its time, and its own decides."""
    manager = clocked(Manager("memory://"), clock)

    @manager.job
    def noisy() -> None: ...

    @noisy.on_state_change
    def blocks(instance: Instance[None], transition: Transition) -> None:
        gate.hold()

    @manager.job(timeout=1)
    def stuck() -> None:
        gate.hold()

    @stuck.on_terminate
    def decided(instance: Instance[None], error: JobError) -> None: ...

    with manager, manager.worker(concurrency=2, lease=HOUR_S):
        noisy.schedule()
        gate.await_arrivals(1)
        late = stuck.schedule()
        gate.await_arrivals(2)
        pass_time(clock, 2)
        await_state(late, State.TIMED_OUT)
        gate.open()


def test_the_limit_bounds_the_function_not_its_processors(clock: FakeClock, gate: Gate) -> None:
    """A function that ended in time has succeeded, however long `on_complete` takes; it does not run again."""
    manager, runs = clocked(Manager("memory://"), clock), list[int]()

    @manager.job(timeout=1, retry=Retry(1, backoff=0))
    def quick() -> str:
        runs.append(1)
        return "in time"

    @quick.on_complete
    def slow(instance: Instance[str], result: str) -> None:
        gate.hold()

    with manager, manager.worker(concurrency=1, lease=HOUR_S):
        instance = quick.schedule()
        gate.await_arrivals(1)
        pass_time(clock, 5)
        gate.open()
        assert "in time" == instance.result(10)
    assert [1] == runs


def test_a_long_limit_keeps_nothing_of_what_has_ended(manager: Manager) -> None:
    """A finished attempt, its arguments with it, is let go, not kept until its deadline would have come."""
    seen: list[weakref.ref[object]] = []

    @manager.job(timeout=HOUR_S)
    def takes(ctx: Context, data: bytes) -> None:
        seen.append(weakref.ref(ctx._running))

    with manager.worker(concurrency=1):
        for _ in range(3):
            takes.schedule(b"x").result(10)
        wait_until(lambda: gc.collect() is not None and seen[0]() is None and seen[1]() is None)


def test_drain_ends_with_the_worker(manager: Manager, gate: Gate) -> None:
    """Nothing will run what is left once the worker is stopped: waiting on would be waiting for ever."""

    @manager.job
    def waits() -> None:
        gate.hold()

    answers: list[bool] = []
    worker = manager.worker(concurrency=1, grace=0).start()
    manager.schedule_many(waits.call() for _ in range(3))
    gate.await_arrivals(1)
    draining = threading.Thread(target=lambda: answers.append(worker.drain()))
    draining.start()
    worker.stop()
    draining.join(10)
    assert [False] == answers


def test_resize_during_the_start_counts(gate: Gate) -> None:
    """The number asked for while the lifespan is being entered is the one that runs."""

    @contextmanager
    def slow() -> Iterator[None]:
        gate.hold()
        yield

    manager = Manager("memory://", lifespan=slow)

    @manager.job
    def job() -> None: ...

    worker = manager.worker(concurrency=1)
    starting = threading.Thread(target=worker.start)
    with manager:
        starting.start()
        gate.await_arrivals(1)
        worker.resize(4)
        gate.open()
        starting.join(10)
        wait_until(lambda: manager.workers()[0].concurrency in (1, 4))
        manager._store.interrupt(manager.workers()[0].name)  # the next beat says what it has now
        wait_until(lambda: manager.workers()[0].concurrency == 4)
        worker.stop()


_BURST = """
import rota
manager = rota.Manager("memory://")
@manager.job
def job(): ...
print("up", flush=True)
manager.run()
"""
_HANGS = """
import sys, time
from contextlib import contextmanager
import rota

@contextmanager
def lifespan():
    if sys.argv[1] == "enter":
        print("hangs", flush=True)
        time.sleep(60)
    yield
    print("hangs", flush=True)
    time.sleep(60)

manager = rota.Manager("memory://", lifespan=lifespan)

@manager.job
def job(): ...

sys.exit(manager.run(grace=0.2))
"""


@pytest.mark.parametrize("where", ["enter", "exit"])
def test_a_second_signal_leaves_a_lifespan_that_hangs(tmp_path: Path, where: str) -> None:
    """A database that does not answer must not make a worker deaf: exit code 1, since something was left undone."""
    program = tmp_path / "program.py"
    program.write_text(_HANGS)
    process = subprocess.Popen([sys.executable, str(program), where], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    try:
        wait_for_handlers(process)
        if where == "exit":
            process.send_signal(signal.SIGTERM)
        assert b"hangs\n" == process.stdout.readline()
        if where == "enter":
            process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert 1 == process.wait(15)
    finally:
        process.kill()
        process.communicate()


def test_signals_in_a_burst_end_the_worker(tmp_path: Path) -> None:
    """Handlers take no lock that the main thread may hold: however close two signals come, the process ends."""
    program = tmp_path / "program.py"
    program.write_text(
        "import rota\nm = rota.Manager('memory://')\n@m.job\ndef j(): ...\nprint('up', flush=True)\nm.run()"
    )
    for number in range(8):
        process = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert b"up\n" == process.stdout.readline()
            wait_for_handlers(process)
            for _ in range(number % 4 + 2):
                process.send_signal(signal.SIGTERM)
            assert process.wait(15) in (0, -signal.SIGTERM)  # the last may come when the handlers are gone
        finally:
            process.kill()
            process.communicate()


def wait_for_handlers(process: "subprocess.Popen[bytes]") -> None:
    """Until the process catches SIGTERM, as the kernel shows it."""
    status = Path(f"/proc/{process.pid}/status")

    def catches() -> bool:
        (line,) = [one for one in status.read_text().splitlines() if one.startswith("SigCgt")]
        return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    wait_until(catches, description="the process handles SIGTERM")
