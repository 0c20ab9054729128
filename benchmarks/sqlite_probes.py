"""How the figures of `benchmarks/sqlite.py` are measured: a process for each probe, a new folder for each file.

rota and Huey are measured alike. The backlog is scheduled first; the worker processes are up before the clock starts; a
process beside them asks the file every 5 ms whether anything is left (of rota: not COMPLETED; of Huey: not taken).
"""

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import quantiles

import sqlite_worker
from peer import python_with

import rota

HERE = Path(__file__).parent
HUEY = "huey==3.5.4"
IDLE_S = 0.005  # between two jobs of the latency probe
LOOK_S = 0.005
MEASURED = 50_000  # jobs, at most, that a rate at a backlog is of
PEER_SHARE = 4  # Huey runs one of so many jobs: it takes as long

Command = list[str]


@contextmanager
def _file() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="rota-bench-") as folder:
        yield f"{folder}/jobs.db"


@contextmanager
def _ready(commands: list[Command]) -> Iterator[list[subprocess.Popen[str]]]:
    """Worker processes that have said that they are ready, ended afterwards by the end of their input."""
    with ExitStack() as stack:
        children = []
        for command in commands:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(child.communicate, timeout=60)
            children.append(child)
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        yield children


def _begin(children: list[subprocess.Popen[str]]) -> None:
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()


def _drained_s(commands: list[Command], file: str, left: str) -> float:
    """Seconds that worker processes take until the question `left` has no answer."""
    with closing(sqlite3.connect(file)) as connection, _ready(commands) as children:
        started = time.perf_counter()
        _begin(children)
        while connection.execute(left).fetchone() is not None:
            time.sleep(LOOK_S)
        return time.perf_counter() - started


def _rota_s(synchronous: str, jobs: int, processes: int, *, bulk: bool) -> tuple[float, float]:
    """Seconds to schedule, and to drain."""
    with _file() as file:
        url = f"sqlite:///{file}?synchronous={synchronous}"
        manager, nothing = sqlite_worker.made(url)
        with manager:
            started = time.perf_counter()
            if bulk:
                manager.schedule_many(nothing.call(number, number) for number in range(jobs))
            else:
                for number in range(jobs):
                    nothing.schedule(number, number)
            scheduled_s = time.perf_counter() - started
        if not processes:
            return scheduled_s, 0.0
        command = [sys.executable, str(HERE / "sqlite_worker.py"), url]
        left = "SELECT 1 FROM counter WHERE state BETWEEN 0 AND 2 AND number > 0"
        return scheduled_s, _drained_s([command] * processes, file, left)


def _huey_s(synchronous: str, jobs: int, processes: int) -> tuple[float, float]:
    """The same of Huey: one by one, and by one process with the one thread that is its default, or by two of its own
    worker processes."""
    with _file() as file:
        script = [python_with(HUEY), str(HERE / "sqlite_huey.py")]
        scheduling = [*script, "schedule", file, synchronous, str(jobs)]
        scheduled_s = float(subprocess.run(scheduling, check=True, capture_output=True, text=True).stdout)
        kind = ["thread", "1"] if processes == 1 else ["process", str(processes)]
        command = [*script, "work", file, synchronous, *kind]
        return scheduled_s, _drained_s([command], file, "SELECT 1 FROM task LIMIT 1")


def throughput(jobs: int, synchronous: str) -> dict[str, float]:
    """Scheduled and drained by one process and by two, rota and Huey in turn."""
    few = jobs // PEER_SHARE
    one_by_one_s, _ = _rota_s(synchronous, few, 0, bulk=False)
    found: dict[str, float] = {f"{synchronous}_one": few / one_by_one_s}
    for processes in (1, 2):
        name = f"{synchronous}_{processes}"
        schedule_s, drain_s = _rota_s(synchronous, jobs, processes, bulk=True)
        peer_schedule_s, peer_drain_s = _huey_s(synchronous, few, processes)
        total, peer = jobs / (schedule_s + drain_s), few / (peer_schedule_s + peer_drain_s)
        singly = 1 / (one_by_one_s / few + drain_s / jobs)
        found |= {
            f"{name}_schedule": jobs / schedule_s,
            f"{name}_drain": jobs / drain_s,
            f"{name}_total": total,
            f"{name}_huey_schedule": few / peer_schedule_s,
            f"{name}_huey_drain": few / peer_drain_s,
            f"{name}_huey_total": peer,
            f"{name}_ratio": total / peer,
            f"{name}_ratio_drain": (jobs / drain_s) / (few / peer_drain_s),
            f"{name}_ratio_one": singly / peer,
        }
    return found


def latency(jobs: int) -> dict[str, float]:
    """From the schedule call to the first line of at most 1,000 jobs in another process, idle before each."""
    with _file() as file:
        url = f"sqlite:///{file}"
        manager, _ = sqlite_worker.made(url)
        note = manager.remote("note")
        waits = []
        with manager, _ready([[sys.executable, str(HERE / "sqlite_worker.py"), url]]) as (child,):
            _begin([child])
            assert child.stdout is not None
            for _ in range(min(jobs, 1000) + 1):
                time.sleep(IDLE_S)
                scheduled = time.monotonic()
                note.schedule()
                waits.append((float(child.stdout.readline()) - scheduled) * 1000)
    del waits[0]  # the worker was not idle yet
    cuts = quantiles(waits, n=100)
    return {"latency_p50": cuts[49], "latency_p99": cuts[98]}


def backlog(size: int, measured: int) -> float:
    """The rate of `measured` jobs at a backlog of `size`, which is filled again as often as it takes."""
    with _file() as file, closing(sqlite3.connect(file)) as connection:
        manager, nothing = sqlite_worker.made(f"sqlite:///{file}?synchronous=normal")
        seconds, drained = 0.0, 0
        with manager, manager.worker(concurrency=sqlite_worker.CONCURRENCY):
            while drained < measured:
                manager.pause("nothing")
                for start in range(0, size, 10_000):
                    count = min(10_000, size - start)
                    manager.schedule_many(nothing.call(number, number) for number in range(count))
                target = drained + min(size, measured)
                started = time.perf_counter()
                manager.resume("nothing")
                while _completed(connection) < target:
                    time.sleep(LOOK_S)
                seconds += time.perf_counter() - started
                drained = target
        return drained / seconds


def _completed(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT number FROM counter WHERE state = 3").fetchone()
    return 0 if found is None else int(found[0])


def backlogs(jobs: int) -> dict[str, float]:
    """At a backlog of one twentieth of `jobs`, and of fifty times `jobs`, in one process each."""
    found = {}
    for name, size in (("drain_1k", jobs // 20), ("drain_1m", jobs * 50)):
        command = [sys.executable, __file__, str(size), str(min(size * 20, MEASURED))]
        found[name] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {**found, "ratio_1m": found["drain_1m"] / found["drain_1k"]}


def size(jobs: int) -> dict[str, float]:
    """The file by instance: queued, ended with full history, and what is left once all were purged."""
    with _file() as file:
        manager, nothing = sqlite_worker.made(f"sqlite:///{file}?synchronous=normal")
        with manager:
            manager.schedule_many(nothing.call(number, number) for number in range(jobs))
            queued = _bytes(file)
            with manager.worker(concurrency=sqlite_worker.CONCURRENCY) as worker:
                assert worker.drain(timeout=600)
            ended = _bytes(file)
            manager.purge(rota.Query())
            purged = _bytes(file)
        vacuumed = _bytes(file, "VACUUM")
    return {
        "size_queued": queued / jobs,
        "size_ended": ended / jobs,
        "size_purged": purged / jobs,
        "size_vacuumed": vacuumed / 1024,
    }


def _bytes(file: str, statement: str = "SELECT 1") -> int:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(file).stat().st_size


PROBES: dict[str, Callable[[int], dict[str, float]]] = {
    "normal": lambda jobs: throughput(jobs, "normal"),
    "full": lambda jobs: throughput(jobs, "full"),
    "latency": latency,
    "backlogs": backlogs,
    "size": size,
}

if __name__ == "__main__":  # a child of `backlogs`
    print(backlog(int(sys.argv[1]), int(sys.argv[2])))
