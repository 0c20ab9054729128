"""What limits cost: one process, memory store, no-op `def` jobs with full history, concurrency 4.

    python benchmarks/limits.py [--runs 5] [--jobs 50000] [--only PROBE] [--json]

Each ratio is of two drains in processes of their own, one after the other. The limits are enforced at every claim, but
chosen so that they never make a free slot wait: what is measured is their cost.

* gate: `max_running` and a rate on the kind against none.
* lanes: the same by a key, with one lane for each hundred jobs, against none.
* held: five jobs of one key run all the time and are all that it may run; with 10,000 more of that key in the queue,
  of better priority than all others, against without these 10,000.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from threading import Event

from measuring import Figure, main

CONCURRENCY = 4
HELD = 10_000
LANE_JOBS = 100  # of each key
LOOK_S = 0.002

FIGURES = {
    "drain_plain": Figure("draining without limits", "jobs/s"),
    "drain_gate": Figure("draining with max_running and a rate on the kind", "jobs/s"),
    "ratio_gate": Figure("the ratio of the two", "", "at least 0.8"),
    "drain_unkeyed": Figure("draining without limits, again", "jobs/s"),
    "drain_lanes": Figure("draining with max_running and a rate by key", "jobs/s"),
    "ratio_lanes": Figure("the ratio of the two"),
    "drain_none_held": Figure("draining by key, one key at its bound", "jobs/s"),
    "drain_held": Figure("draining by key, 10,000 of that key held back at the head", "jobs/s"),
    "ratio_held": Figure("the ratio of the two", "", "at least 0.8"),
}


def drained(jobs: int, key: str | None, limited: bool) -> float:
    """The rate of a worker that drains a backlog of `jobs`, under limits or none."""
    import rota

    manager = rota.Manager("memory://")
    limits = rota.Limit(2_000, rate="500000/s", key=key) if limited else ()

    @manager.job(limits=limits)
    def nothing(tenant: int, number: int) -> None: ...

    with manager:
        manager.schedule_many(nothing.call(number // LANE_JOBS, number) for number in range(jobs))
        started = time.perf_counter()
        with manager.worker(concurrency=CONCURRENCY) as worker:
            assert worker.drain(timeout=600)
            return jobs / (time.perf_counter() - started)


def beside_held(jobs: int, held: int) -> float:
    """The rate of `jobs` beside one key at its bound of five, of which `held` more wait at the head of the queue."""
    import rota

    manager, over = rota.Manager("memory://"), Event()

    @manager.job(limits=rota.Limit(5, key="{tenant}"))
    def work(tenant: int, holds: bool) -> None:
        if holds:
            over.wait()

    done = rota.Query(state=rota.State.COMPLETED)
    with manager, manager.worker(concurrency=CONCURRENCY + 5):
        manager.schedule_many(work.call(-1, True) for _ in range(5))
        while manager.count(rota.Query(state=rota.State.PROCESSING)) < 5:
            time.sleep(LOOK_S)
        manager.pause("work")
        first = work.options(priority=0)
        manager.schedule_many(first.call(-1, False) for _ in range(held))
        manager.schedule_many(work.call(number // LANE_JOBS, False) for number in range(jobs))
        started = time.perf_counter()
        manager.resume("work")
        while manager.count(done) < jobs:
            time.sleep(LOOK_S)
        rate = jobs / (time.perf_counter() - started)
        assert manager.stats("work")[0].held_back == held
        over.set()
        return rate


VARIANTS: dict[str, Callable[[int], float]] = {
    "plain": lambda jobs: drained(jobs, None, limited=False),
    "gate": lambda jobs: drained(jobs, None, limited=True),
    "unkeyed": lambda jobs: drained(jobs, None, limited=False),
    "lanes": lambda jobs: drained(jobs, "{tenant}", limited=True),
    "none_held": lambda jobs: beside_held(jobs, 0),
    "held": lambda jobs: beside_held(jobs, HELD),
}


def compared(jobs: int, name: str, without: str) -> dict[str, float]:
    """Both drains, each in a process of its own, and their ratio."""
    rates = {}
    for variant in (without, name):
        command = [sys.executable, __file__, "--variant", variant, str(jobs)]
        rates[variant] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found = {f"drain_{variant}": rate for variant, rate in rates.items()}
    return {**found, f"ratio_{name}": rates[name] / rates[without]}


PROBES: dict[str, Callable[[int], dict[str, float]]] = {
    "gate": lambda jobs: compared(jobs, "gate", "plain"),
    "lanes": lambda jobs: compared(jobs, "lanes", "unkeyed"),
    "held": lambda jobs: compared(jobs, "held", "none_held"),
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--variant"]:
        print(VARIANTS[sys.argv[2]](int(sys.argv[3])))
    else:
        main(__doc__ or "", __file__, FIGURES, PROBES, 50_000)
