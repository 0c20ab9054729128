"""The kill storm of the benchmarks, small: what a store promises survives processes that are killed at any point."""

import json
import subprocess
import sys
from pathlib import Path

STORM = Path(__file__).parents[1] / "benchmarks" / "kill_storm.py"


def test_killed_workers_lose_nothing_and_end_nothing_twice(tmp_path: Path) -> None:
    """Three `rota run` on one SQLite file, one killed every 0.7 s: all 200 jobs are run and end, each once."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    command = [sys.executable, str(STORM), url, "--jobs", "200", "--every", "0.7", "--lease", "1", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert 0 == ran.returncode, ran.stdout + ran.stderr
    found = json.loads(ran.stdout)
    assert (0, 0, 0, 0) == tuple(found[name] for name in ("lost", "stuck", "doubly_accepted", "never_run")), found
    assert found["kills"] >= 2, found
