"""How the figures of `benchmarks/core.py` are measured, each probe in a process of its own."""

import gc
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from queue import SimpleQueue
from statistics import quantiles

CONCURRENCY = 4
IDLE_S = 0.005  # between two jobs of the latency probe


def _manager():
    import rota

    manager = rota.Manager("memory://")

    @manager.job
    def nothing(a: int, b: int) -> None: ...

    return manager, nothing


def scheduling(jobs: int) -> dict[str, float]:
    """One by one, then in bulk, on a store that nobody works on."""
    manager, nothing = _manager()
    with manager:
        started = time.perf_counter()
        for number in range(jobs):
            nothing.schedule(number, number)
        one = jobs / (time.perf_counter() - started)
    manager, nothing = _manager()
    with manager:
        started = time.perf_counter()
        manager.schedule_many(nothing.call(number, number) for number in range(jobs))
        return {"schedule_one": one, "schedule_bulk": jobs / (time.perf_counter() - started)}


def draining(jobs: int) -> dict[str, float]:
    """All of a backlog, from the worker's start to the last settle; the CPU time of the whole process."""
    manager, nothing = _manager()
    with manager:
        manager.schedule_many(nothing.call(number, number) for number in range(jobs))
        cpu, started = time.process_time(), time.perf_counter()
        with manager.worker(concurrency=CONCURRENCY) as worker:
            assert worker.drain(timeout=600)
            wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        return {"drain": jobs / wall, "drain_cpu": cpu / jobs * 1e6}


def backlog(size: int, measured: int) -> float:
    """The rate of `measured` jobs at a backlog of `size`, which is filled again as often as it takes."""
    import rota

    manager, nothing = _manager()
    done = rota.Query(state=rota.State.COMPLETED)
    seconds, drained = 0.0, 0
    with manager, manager.worker(concurrency=CONCURRENCY) as worker:
        nothing.schedule(0, 0).result(10)
        while drained < measured:
            manager.pause("nothing")
            before = manager.count(done)
            manager.schedule_many(nothing.call(number, number) for number in range(size))
            target = min(size, measured)
            started = time.perf_counter()
            manager.resume("nothing")
            if target == size:
                assert worker.drain(timeout=600)
            else:
                while _completed(manager) - before < target:
                    time.sleep(0.005)
            seconds += time.perf_counter() - started
            drained += target
            manager.pause("nothing")
    return drained / seconds


def _completed(manager) -> int:
    import rota

    return sum(stats.counts.get(rota.State.COMPLETED, 0) for stats in manager._store.stats())


def backlogs(jobs: int) -> dict[str, float]:
    """At a backlog of one hundredth of `jobs`, of `jobs`, and of ten times `jobs`, in one process each."""
    found = {}
    for name, size in (("drain_1k", jobs // 100), ("drain_100k", jobs), ("drain_1m", jobs * 10)):
        command = [sys.executable, __file__, str(size), str(jobs // 2)]
        found[name] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {**found, "ratio": found["drain_1m"] / found["drain_1k"]}


def latency(jobs: int) -> dict[str, float]:
    """From the schedule call to the first line of at most 1,000 jobs, one at a time, the worker idle before each."""
    import rota

    manager = rota.Manager("memory://")
    starts: SimpleQueue[float] = SimpleQueue()

    @manager.job
    def note() -> None:
        starts.put(time.perf_counter())

    waits = []
    with manager, manager.worker(concurrency=CONCURRENCY):
        for _ in range(jobs + 1):
            time.sleep(IDLE_S)
            scheduled = time.perf_counter()
            note.schedule()
            waits.append((starts.get(timeout=10) - scheduled) * 1000)
    del waits[0]  # made the thread
    cuts = quantiles(waits, n=100)
    return {"latency_p50": cuts[49], "latency_p99": cuts[98]}


def memory(jobs: int) -> dict[str, float]:
    """Traced memory of a queued instance, and what is left once all were run and purged."""
    tracemalloc.start()
    import rota

    manager, nothing = _manager()

    def cycle(count: int) -> float:
        manager.schedule_many(nothing.call(number, number) for number in range(count))
        gc.collect()
        queued = tracemalloc.get_traced_memory()[0]
        with manager.worker(concurrency=CONCURRENCY) as worker:
            assert worker.drain(timeout=600)
        manager.purge(rota.Query())
        gc.collect()
        return queued

    with manager:
        cycle(1000)
        start = tracemalloc.get_traced_memory()[0]
        queued = cycle(jobs)
        left = tracemalloc.get_traced_memory()[0]
    return {"queued_bytes": (queued - start) / jobs, "left_percent": (left - start) / start * 100}


def importing(jobs: int) -> dict[str, float]:
    """`python -X importtime -c "import rota"` from compiled bytecode: the cumulative time of rota itself."""
    with tempfile.TemporaryDirectory() as cache:
        environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache}
        command = [sys.executable, "-X", "importtime", "-c", "import rota"]
        for _ in range(2):  # the first one compiles
            ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    return {"import_ms": int(ran.stderr.splitlines()[-1].split("|")[1]) / 1000}


PROBES: dict[str, Callable[[int], dict[str, float]]] = {
    "scheduling": scheduling,
    "draining": draining,
    "backlogs": backlogs,
    "latency": latency,
    "memory": memory,
    "importing": importing,
}

if __name__ == "__main__":  # a child of `backlogs`
    print(backlog(int(sys.argv[1]), int(sys.argv[2])))
