"""A worker process for `benchmarks/sqlite.py`: says that it is ready, begins once a line came, and ends with the input.

    python sqlite_worker.py URL

The job `note` prints when it began, by the monotonic clock that all processes of a machine share.
"""

import sys
import time

import rota

CONCURRENCY = 4


def made(url: str) -> tuple[rota.Manager, rota.Job]:
    """A manager on `url`, and a job that does no work."""
    manager = rota.Manager(url)

    @manager.job
    def nothing(a: int, b: int) -> None: ...

    @manager.job
    def note() -> None:
        print(time.monotonic(), flush=True)

    return manager, nothing


def main(url: str) -> None:
    """Work until the input ends."""
    manager, _ = made(url)
    with manager:
        print("ready", flush=True)
        sys.stdin.readline()
        with manager.worker(concurrency=CONCURRENCY):
            sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
