"""Huey's part in `benchmarks/sqlite.py`, run by an interpreter that has it: `schedule` or `work`, on one file.

    python sqlite_huey.py schedule FILE SYNCHRONOUS JOBS
    python sqlite_huey.py work FILE SYNCHRONOUS thread|process WORKERS

Its SQLite storage as it comes: WAL, an 8 MiB cache, one exclusive transaction to enqueue and one to take a task; a task
that returns nothing leaves nothing. `fsync=True` is `synchronous=FULL`. It has no option for NORMAL, which is set as a
pragma here.
"""

import signal
import sys
import time

from huey import Huey
from huey.storage import SqliteStorage


class Normal(SqliteStorage):
    """`synchronous=NORMAL`, for every connection."""

    def _create_connection(self):
        connection = super()._create_connection()
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def made(file: str, synchronous: str) -> tuple:
    """A queue on `file`, and a task that does no work."""
    full = synchronous == "full"
    huey = Huey("bench", storage_class=SqliteStorage if full else Normal, filename=file, fsync=full or None, timeout=30)

    @huey.task()
    def nothing(a: int, b: int) -> None: ...

    return huey, nothing


def schedule(file: str, synchronous: str, jobs: str) -> None:
    """Enqueue one by one, which is the only way; prints the seconds."""
    _, nothing = made(file, synchronous)
    started = time.perf_counter()
    for number in range(int(jobs)):
        nothing(number, number)
    print(time.perf_counter() - started)


def work(file: str, synchronous: str, kind: str, workers: str) -> None:
    """Say that it is ready, begin once a line came, and end with the input."""
    huey, _ = made(file, synchronous)
    consumer = huey.create_consumer(workers=int(workers), worker_type=kind, periodic=False)
    print("ready", flush=True)
    sys.stdin.readline()
    consumer.start()
    sys.stdin.read()
    consumer.stop(graceful=True)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


if __name__ == "__main__":
    {"schedule": schedule, "work": work}[sys.argv[1]](*sys.argv[2:])
