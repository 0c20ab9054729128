"""A kill storm: `rota run` processes on one store, of which one is killed each second and replaced, until all is final.

    python benchmarks/kill_storm.py [URL] [--jobs 2000] [--workers 3] [--every 1] [--lease 3] [--seed N] [--json]

Without a URL it is SQLite, in a folder of its own. The namespace is one of its own, and cleared afterwards.

* lost: accepted, but absent, or never final.
* stuck: not final within twice (lease + 5 s) once no worker is killed any more.
* doubly accepted: more than one settle of an attempt answered `done`, or more than one end in a history.

Jobs run at least once: how many ran more often is told besides. The killing ends when all is final, or after 120 s.
Exits with 1 unless lost, stuck and doubly accepted are 0.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import rota

HERE = Path(__file__).parent
KILLING_S = 120.0
CONCURRENCY = 4
LOOK_S = 0.1


class Workers:
    """So many `rota run` processes, whoever is killed."""

    def __init__(self, number: int, url: str, namespace: str, lease_s: float, folder: Path) -> None:
        self._command = [
            sys.executable, "-c", "from rota.cli.main import main; main()",
            "run", "kill_storm_jobs:manager", "--store", url,
            "--namespace", namespace, "--lease", str(lease_s), "--concurrency", str(CONCURRENCY), "--grace", "5",
            "--log-level", "error",
        ]  # fmt: skip
        path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._environ = {**os.environ, "STORM_FOLDER": str(folder), "PYTHONPATH": path}
        self._log = (folder / "log").open("ab+")
        self._living = [self._start() for _ in range(number)]
        self.kills = 0

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, env=self._environ, stdout=self._log, stderr=self._log)

    def kill_one(self, rng: random.Random) -> None:
        """SIGKILL one of them, and put another in its place."""
        place = rng.randrange(len(self._living))
        victim = self._living[place]
        victim.kill()
        died = victim.wait()
        assert died == -signal.SIGKILL, f"a worker had ended by itself, with {died}:\n{self._said()}"
        self._living[place] = self._start()
        self.kills += 1

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def stop(self) -> None:
        """End them all in order."""
        for one in self._living:
            one.terminate()
        for one in self._living:
            one.wait(30)
        self._log.close()


def storm(manager: rota.Manager, workers: Workers, jobs: int, every_s: float, rng: random.Random) -> None:
    """Kill until all is final, or for `KILLING_S`."""
    began = killed = time.monotonic()
    while _final(manager) < jobs and time.monotonic() - began < KILLING_S:
        time.sleep(LOOK_S)
        if time.monotonic() - killed >= every_s:
            killed = time.monotonic()
            workers.kill_one(rng)


def calm(manager: rota.Manager, jobs: int, within_s: float) -> None:
    """Wait until all is final, for so long at most."""
    deadline = time.monotonic() + within_s
    while _final(manager) < jobs and time.monotonic() < deadline:
        time.sleep(LOOK_S)


def _final(manager: rota.Manager) -> int:
    return sum(number for one in manager.stats() for state, number in one.counts.items() if state.final)


def verdict(manager: rota.Manager, ids: Sequence[str], folder: Path) -> dict[str, int]:
    """What became of the accepted instances, one by one."""
    found = {str(one.id): one for one in manager.scan()}
    ended = [found[one] for one in ids if one in found and found[one].state.final]
    twice_ended = sum(sum(step.state.final for step in one.history()) > 1 for one in ended)
    runs, settles = Counter(_lines(folder / "runs")), Counter(_lines(folder / "settles"))
    return {
        "lost": sum(one not in found for one in ids),
        "stuck": sum(one in found and not found[one].state.final for one in ids),
        "doubly_accepted": sum(number > 1 for number in settles.values()) + twice_ended,
        **{str(state).lower(): number for state, number in Counter(one.state.name for one in ended).items()},
        "never_run": sum(one not in runs for one in ids),
        "run_more_than_once": sum(number > 1 for number in runs.values()),
        "most_runs_of_one": max(runs.values(), default=0),
    }


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def run(url: str, options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """One storm; what came of it."""
    rng = random.Random(options.seed)
    namespace = f"storm-{os.getpid()}-{options.seed}"
    manager = rota.Manager(url, namespace=namespace)
    with manager:
        call = manager.remote("storm").call
        began = time.monotonic()
        accepted = manager.schedule_many(call(rng.uniform(0.05, 0.25)) for _ in range(options.jobs))
        workers = Workers(options.workers, url, namespace, options.lease, folder)
        try:
            storm(manager, workers, options.jobs, options.every, rng)
            calm(manager, options.jobs, 2 * (options.lease + 5))
            took_s = time.monotonic() - began
            found = verdict(manager, [str(one.id) for one in accepted], folder)
        finally:
            workers.stop()
            manager._store.clear(force=True)
    return {"seed": options.seed, "jobs": options.jobs, "kills": workers.kills, "seconds": round(took_s, 1), **found}


def main() -> int:
    """Read the options, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?")
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--every", type=float, default=1.0, help="seconds from kill to kill")
    parser.add_argument("--lease", type=float, default=3.0, help="seconds")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rota-storm-") as place:
        folder = Path(place)
        found = run(options.url or f"sqlite:///{folder}/jobs.db", options, folder)
    print(json.dumps(found) if options.json else "\n".join(f"{name:<20}{value:>10}" for name, value in found.items()))
    return int(any(found[name] for name in ("lost", "stuck", "doubly_accepted")))


if __name__ == "__main__":
    sys.exit(main())
