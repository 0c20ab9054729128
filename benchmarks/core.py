"""Speed and memory of core on the memory store: one process, concurrency 4, no-op `def` jobs, full history.

    python benchmarks/core.py [--runs 5] [--jobs 100000] [--only PROBE] [--json]

`core_probes.py` says how each figure is measured.
"""

from core_probes import PROBES
from measuring import Figure, main

FIGURES = {
    "schedule_one": Figure("scheduling one by one", "jobs/s"),
    "schedule_bulk": Figure("scheduling in bulk", "jobs/s", "100,000"),
    "drain": Figure("draining", "jobs/s", "25,000"),
    "drain_cpu": Figure("CPU of the process a job, draining", "us", "at most 35"),
    "latency_p50": Figure("enqueue to start when idle, p50", "ms", "under 0.3"),
    "latency_p99": Figure("enqueue to start when idle, p99", "ms"),
    "drain_1k": Figure("draining at a backlog of 1,000", "jobs/s"),
    "drain_100k": Figure("draining at a backlog of 100,000", "jobs/s"),
    "drain_1m": Figure("draining at a backlog of 1,000,000", "jobs/s"),
    "ratio": Figure("the ratio of 1,000,000 to 1,000", "", "at least 0.8"),
    "queued_bytes": Figure("memory of a queued instance", "bytes"),
    "left_percent": Figure("memory left after all were purged", "% over the start", "within 5"),
    "import_ms": Figure("import rota", "ms", "under 100"),
}

if __name__ == "__main__":
    main(__doc__ or "", __file__, FIGURES, PROBES, 100_000)
