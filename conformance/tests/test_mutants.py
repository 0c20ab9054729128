"""The suite against stores that are broken on purpose: each fails, by the requirement that it breaks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conformance.tests.mutants import keeping, queueing  # noqa: F401 - they note their mutants
from conformance.tests.mutants.breeding import MUTANTS

_LEAST = 24
_REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What became of each mutant, and of the whole one; all in one process, which costs one start."""
    target = tmp_path_factory.mktemp("mutants") / "outcomes.json"
    names = ["Mutant", *(one.__name__ for one in MUTANTS)]
    ran = subprocess.run(
        [sys.executable, "-m", "conformance.tests.mutants.judging", str(target), *names],
        cwd=_REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_REPOSITORY), *sys.path])},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(target.read_bytes())


def test_there_are_enough_mutants() -> None:
    """At least so many."""
    assert len(MUTANTS) >= _LEAST


@pytest.mark.parametrize("mutant", [one.__name__ for one in MUTANTS])
def test_mutant_fails_by_the_requirement_that_it_breaks(outcomes: dict[str, dict[str, str]], mutant: str) -> None:
    """The suite finds it out, and says what is wrong."""
    wanted = {one.__name__: requirement for one, requirement in MUTANTS.items()}[mutant]
    assert {wanted: "failed"} == outcomes[mutant]


def test_unbroken_store_passes_the_same(outcomes: dict[str, dict[str, str]]) -> None:
    """What kills the mutants is no accident of how they are run."""
    assert {} == {one: outcome for one, outcome in outcomes["Mutant"].items() if outcome != "passed"}
