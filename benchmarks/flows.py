"""Speed of flows on the memory store against as many plain jobs in the same run: concurrency 4, no-op `def` jobs.

    python benchmarks/flows.py [--runs 5] [--jobs 20000] [--only PROBE] [--json]

Every instance counts as a job, those that take the results too. Rates are of scheduling and draining together, and of
draining alone. A probe runs its flow so often that about `--jobs` jobs come together, in turn with the plain ones.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from measuring import Figure, main

CONCURRENCY = 4


def _sizes(title: str, name: str) -> dict[str, Figure]:
    return {
        f"{name}_total": Figure(f"{title}, scheduled and drained", "jobs/s"),
        f"{name}_total_ratio": Figure("  against plain jobs", "", "at least 0.6"),
        f"{name}_drain": Figure(f"{title}, drained", "jobs/s"),
        f"{name}_drain_ratio": Figure("  against plain jobs", "", "at least 0.6"),
    }


FIGURES = {
    **_sizes("a chord of 1,000", "one_large"),
    **_sizes("100 chords of 10", "many_small"),
}


def _against_plain(jobs: int, chords: int, size: int) -> tuple[float, float, float, float]:
    """Rates of flows, and their ratios to those of plain jobs: total, its ratio, drain, its ratio."""
    import rota

    manager = rota.Manager("memory://")

    @manager.job
    def number(n: int) -> int:
        return n

    @manager.job
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    def flows() -> Iterator[Any]:
        for _ in range(chords):
            yield rota.chord([number.call(n) for n in range(size)], total)

    count = chords * (size + 1)
    seconds = {"flow": [0.0, 0.0], "plain": [0.0, 0.0]}
    turns = max(1, round(jobs / count))
    with manager:
        _run(manager, flows)  # makes threads and compiles conversions
        for _ in range(turns):
            for name, calls in (("flow", flows), ("plain", lambda: (number.call(n) for n in range(count)))):
                for part, spent in enumerate(_run(manager, calls)):
                    seconds[name][part] += spent
    done = turns * count
    (flow_total, flow_drain), (plain_total, plain_drain) = seconds["flow"], seconds["plain"]
    return done / flow_total, plain_total / flow_total, done / flow_drain, plain_drain / flow_drain


def _run(manager: Any, calls: Callable[[], Iterator[Any]]) -> tuple[float, float]:
    """Seconds of scheduling and draining, and of draining alone; what was run is purged."""
    import rota

    started = time.perf_counter()
    instances = manager.schedule_many(calls())
    scheduled = time.perf_counter()
    with manager.worker(concurrency=CONCURRENCY) as worker:
        assert worker.drain(timeout=600)
        ended = time.perf_counter()
    assert all(one.refresh().state is rota.State.COMPLETED for one in instances[-3:])
    manager.purge(rota.Query())
    return ended - started, ended - scheduled


def _figures(name: str, values: tuple[float, float, float, float]) -> dict[str, float]:
    return dict(zip((f"{name}_{end}" for end in ("total", "total_ratio", "drain", "drain_ratio")), values, strict=True))


def one_large(jobs: int) -> dict[str, float]:
    """A chord of 1,000."""
    return _figures("one_large", _against_plain(jobs, 1, 1000))


def many_small(jobs: int) -> dict[str, float]:
    """100 chords of 10."""
    return _figures("many_small", _against_plain(jobs, 100, 10))


if __name__ == "__main__":
    main(__doc__ or "", __file__, FIGURES, {"one_large": one_large, "many_small": many_small}, 20_000)
