"""The examples that are distributions of their own install, and work where they are installed."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from core.tests.cli.environments import Runner, environment

EXAMPLES = Path(__file__).parents[1] / "examples"

_PROGRAM = """
import rota

manager = rota.Manager("memory://", policy="weighted?weights=mail.*:10&span=10m")
ran = []
for kind in ("report", "mail.send"):
    manager.job(kind=kind)(lambda number, kind=kind: ran.append(f"{kind} {number}"))
with manager:
    for number in range(2):
        for kind in ("report", "mail.send"):
            manager.remote(kind).schedule(number)
    with manager.worker(concurrency=1) as worker:
        assert worker.drain(timeout=30)
print(*ran, sep=", ")
"""

_STORE_PROGRAM = """
import rota

manager = rota.Manager("lmdb:///jobs.lmdb")

@manager.job
def add(a: int, b: int) -> int:
    return a + b

with manager, manager.worker(concurrency=2):
    print(add.schedule(1, 2).result(timeout=30))
with rota.Manager("lmdb:///jobs.lmdb") as another:
    (one,) = another.find(rota.Query(kind="add"))
    print(one.state.value)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """An environment with the example, and no plugin beside it but the memory store."""
    folder = tmp_path_factory.mktemp("weighted")
    return environment(folder, [EXAMPLES / "policy_weighted"], others=["rota-store-memory"])


def test_policy_of_another_distribution_orders_the_queue(python: Runner) -> None:
    """Through its entry point, by the name that the manager says."""
    ran = python("-c", _PROGRAM)
    assert ("mail.send 0, mail.send 1, report 0, report 1\n", "") == (ran.stdout, ran.stderr)


def test_doctor_finds_nothing_wrong_with_it(python: Runner) -> None:
    """As with every plugin that is sound."""
    assert 0 == python("-m", "rota", "plugins", "doctor", "weighted").returncode


@pytest.mark.skipif(find_spec("lmdb") is None and not os.environ.get("CI"), reason="the LMDB store needs lmdb")
def test_store_of_another_distribution_runs_jobs_and_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through its entry point, by the scheme of a URL; the doctor finds nothing wrong with it."""
    python = environment(tmp_path, [EXAMPLES / "store_lmdb"], others=[])
    monkeypatch.chdir(tmp_path)
    assert 0 == python("-m", "rota", "plugins", "doctor", "lmdb").returncode
    ran = python("-c", _STORE_PROGRAM)
    assert ("3\ncompleted\n", "") == (ran.stdout, ran.stderr)
