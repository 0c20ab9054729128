"""Speed of the process executor: no-op jobs in two children, against a bare pool of two, in the same run.

    python benchmarks/process.py [--runs 5] [--jobs 20000] [--only PROBE] [--json]

Both have their children up before the clock starts, and both send each job by itself: `submit` for each call of the
pool, one instance for each job of rota, with claim, settlement and history.
"""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from measuring import Figure, main

import rota

CHILDREN = 2

manager = rota.Manager("memory://")


def nothing(a: int, b: int) -> None:
    """Do no work."""


job = manager.job(executor="process")(nothing)


def rota_rate(jobs: int) -> float:
    """Jobs per second, from the first claim of a backlog to the last settle."""
    with manager, manager.worker(concurrency=CHILDREN) as worker:
        manager.schedule_many(job.call(number, number) for number in range(100))
        assert worker.drain(timeout=60)
        manager.pause("nothing")
        manager.schedule_many(job.call(number, number) for number in range(jobs))
        started = time.perf_counter()
        manager.resume("nothing")
        assert worker.drain(timeout=600)
        return jobs / (time.perf_counter() - started)


def pool_rate(jobs: int) -> float:
    """Calls per second, from the first submit to the last result."""
    with ProcessPoolExecutor(CHILDREN, mp_context=get_context("forkserver")) as pool:
        for future in [pool.submit(nothing, number, number) for number in range(100)]:
            future.result()
        started = time.perf_counter()
        for future in [pool.submit(nothing, number, number) for number in range(jobs)]:
            future.result()
        return jobs / (time.perf_counter() - started)


def probe(jobs: int) -> dict[str, float]:
    """One after the other."""
    pool, rate = pool_rate(jobs), rota_rate(jobs)
    return {"process_pool": pool, "process_rota": rate, "process_ratio": rate / pool}


FIGURES = {
    "process_pool": Figure("no-ops by a bare ProcessPoolExecutor(2)", "jobs/s"),
    "process_rota": Figure("no-ops by the process executor, 2 children", "jobs/s"),
    "process_ratio": Figure("the ratio of the two", "", "at least 0.7"),
}

PROBES: dict[str, Callable[[int], dict[str, float]]] = {"process": probe}

if __name__ == "__main__":
    main(__doc__ or "", __file__, FIGURES, PROBES, 20_000)
