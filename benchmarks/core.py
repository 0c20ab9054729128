"""Speed and memory of core on the memory store: one process, concurrency 4, no-op `def` jobs, full history.

    python benchmarks/core.py [--runs 5] [--jobs 100000] [--only PROBE] [--json]

Every probe runs in a child process of its own, `--runs` times in turn with the others; a figure is the
median, with minimum and maximum. Figures hold for this machine and this moment: what can be compared
are ratios within one run. `core_probes.py` says how each is measured.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

FIGURES = {
    "schedule_one": ("scheduling one by one", "jobs/s", ""),
    "schedule_bulk": ("scheduling in bulk", "jobs/s", "100,000"),
    "drain": ("draining", "jobs/s", "25,000"),
    "drain_cpu": ("CPU of the process a job, draining", "us", "at most 35"),
    "latency_p50": ("enqueue to start when idle, p50", "ms", "under 0.3"),
    "latency_p99": ("enqueue to start when idle, p99", "ms", ""),
    "drain_1k": ("draining at a backlog of 1,000", "jobs/s", ""),
    "drain_100k": ("draining at a backlog of 100,000", "jobs/s", ""),
    "drain_1m": ("draining at a backlog of 1,000,000", "jobs/s", ""),
    "ratio": ("the ratio of 1,000,000 to 1,000", "", "at least 0.8"),
    "queued_bytes": ("memory of a queued instance", "bytes", ""),
    "left_percent": ("memory left after all were purged", "% over the start", "within 5"),
    "import_ms": ("import rota", "ms", "under 100"),
}
PROBES = ("scheduling", "draining", "latency", "backlogs", "memory", "importing")


def measure(probe: str, jobs: int) -> dict[str, float]:
    """One run of a probe in a child process."""
    count = min(jobs, 1000) if probe == "latency" else jobs
    command = [sys.executable, str(Path(__file__).with_name("core_probes.py")), probe, str(count)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--only", choices=PROBES)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    values: dict[str, list[float]] = defaultdict(list)
    for run in range(options.runs):
        for probe in [options.only] if options.only else PROBES:
            print(f"run {run + 1} of {options.runs}: {probe}", file=sys.stderr)
            for name, value in measure(probe, options.jobs).items():
                values[name].append(value)
    if options.json:
        print(json.dumps(values))
        return
    print(f"{'figure':<42}{'median':>12}{'min':>12}{'max':>12}  unit, aim")
    for name, found in values.items():
        title, unit, aim = FIGURES[name]
        numbers = "".join(f"{value:>12,.2f}" for value in (median(found), min(found), max(found)))
        print(f"{title:<42}{numbers}  {unit}{f', {aim}' if aim else ''}")


if __name__ == "__main__":
    main()
