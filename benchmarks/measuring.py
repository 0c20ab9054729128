"""What all benchmarks share: every probe runs in a child process of its own, several times in turn with the others; a
figure is the median, with minimum and maximum.

Figures hold for this machine and this moment: what can be compared are ratios within one run.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

Probe = Callable[[int], dict[str, float]]


class Figure(NamedTuple):
    """A figure's title and unit, and what is aimed at."""

    title: str
    unit: str = ""
    aim: str = ""


def main(description: str, script: str, figures: Mapping[str, Figure], probes: Mapping[str, Probe], jobs: int) -> None:
    """Measure, and print a table or JSON. `script` is the benchmark's own file; a probe takes the number of jobs and
    answers values of `figures` by name."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=jobs)
    parser.add_argument("--only", choices=list(probes))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--probe", choices=list(probes), help="one run, in this very process")
    options = parser.parse_args()
    if options.probe:
        print(json.dumps(probes[options.probe](options.jobs)))
        return
    values: dict[str, list[float]] = defaultdict(list)
    for run in range(options.runs):
        for probe in [options.only] if options.only else probes:
            print(f"run {run + 1} of {options.runs}: {probe}", file=sys.stderr)
            command = [sys.executable, script, "--probe", probe, "--jobs", str(options.jobs)]
            ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            for name, value in json.loads(ran.stdout).items():
                values[name].append(value)
    print(json.dumps(values) if options.json else _table(values, figures))


def _table(values: Mapping[str, list[float]], figures: Mapping[str, Figure]) -> str:
    lines = [f"{'figure':<62}{'median':>12}{'min':>12}{'max':>12}  unit, aim"]
    for name, found in values.items():
        title, unit, aim = figures[name]
        numbers = "".join(f"{value:>12,.2f}" for value in (median(found), min(found), max(found)))
        lines.append(f"{title:<62}{numbers}  {unit}{f', {aim}' if aim else ''}".rstrip())
    return "\n".join(lines)
