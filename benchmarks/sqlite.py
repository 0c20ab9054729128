"""Speed of the SQLite store: no-op `def` jobs with full history, worker processes of concurrency 4; beside it Huey with
its SQLite storage, on the same disk and in the same run.

    python benchmarks/sqlite.py [--runs 5] [--jobs 20000] [--only PROBE] [--json]

Both write to a log (WAL) with the same `synchronous`. rota schedules in bulk, keeps records, history and counters, and
settles under a lease. Huey has no bulk: it enqueues one by one, deletes a task as it takes it, and keeps nothing; one
process of it has one thread, its default, two are its own worker processes. `sqlite_probes.py` says how each figure is
measured.
"""

from measuring import Figure, main
from sqlite_probes import PROBES


def _throughput(synchronous: str) -> dict[str, Figure]:
    found = {f"{synchronous}_one": Figure(f"{synchronous}: rota, scheduled one by one", "jobs/s")}
    for processes in (1, 2):
        name = f"{synchronous}_{processes}"
        title = f"{synchronous}, {processes} worker process{'es' if processes > 1 else ''}"
        found |= {
            f"{name}_schedule": Figure(f"{title}: rota, scheduled in bulk", "jobs/s"),
            f"{name}_drain": Figure("  rota, drained", "jobs/s"),
            f"{name}_total": Figure("  rota, both", "jobs/s"),
            f"{name}_huey_schedule": Figure("  Huey, enqueued", "jobs/s"),
            f"{name}_huey_drain": Figure("  Huey, drained", "jobs/s"),
            f"{name}_huey_total": Figure("  Huey, both", "jobs/s"),
            f"{name}_ratio": Figure("  the ratio of both", "", "at least 3"),
            f"{name}_ratio_drain": Figure("  the ratio of draining alone"),
            f"{name}_ratio_one": Figure("  the ratio of both, rota scheduling one by one too"),
        }
    return found


FIGURES = {
    **_throughput("normal"),
    **_throughput("full"),
    "latency_p50": Figure("enqueue to start when idle, across two processes, p50", "ms"),
    "latency_p99": Figure("enqueue to start when idle, across two processes, p99", "ms"),
    "drain_1k": Figure("draining at a backlog of 1,000", "jobs/s"),
    "drain_1m": Figure("draining at a backlog of 1,000,000", "jobs/s"),
    "ratio_1m": Figure("the ratio of 1,000,000 to 1,000", "", "at least 0.8"),
    "size_queued": Figure("file per queued instance", "bytes"),
    "size_ended": Figure("file per completed instance, with its history", "bytes"),
    "size_purged": Figure("file once all were purged, per instance before", "bytes"),
    "size_vacuumed": Figure("file after VACUUM, in all", "KiB"),
}

if __name__ == "__main__":
    main(__doc__ or "", __file__, FIGURES, PROBES, 20_000)
