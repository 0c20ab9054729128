"""The suite against stores that are broken on purpose: each fails, by the requirement that it breaks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conformance.tests.mutants import keeping, queueing  # noqa: F401 - they note their mutants
from conformance.tests.mutants.breeding import MUTANTS
from conformance.tests.mutants.sharing import SHARED

_LEAST = 24
_REPOSITORY = Path(__file__).parents[2]
_WANTED = {one.__name__: requirement for one, requirement in MUTANTS.items()}
_WANTED |= {f"served:{one.__name__}": requirement for one, requirement in SHARED.items()}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What became of each mutant, and of those that are whole; all in one process, which costs one start."""
    target = tmp_path_factory.mktemp("mutants") / "outcomes.json"
    command = [sys.executable, "-m", "conformance.tests.mutants.judging", str(target)]
    ran = subprocess.run(
        [*command, "Mutant", "served:ServedHarness", *_WANTED],
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
    assert len(_WANTED) >= _LEAST


@pytest.mark.parametrize("mutant", _WANTED)
def test_mutant_fails_by_the_requirement_that_it_breaks(outcomes: dict[str, dict[str, str]], mutant: str) -> None:
    """The suite finds it out, and says what is wrong."""
    assert {_WANTED[mutant]: "failed"} == outcomes[mutant]


@pytest.mark.parametrize("whole", ["Mutant", "served:ServedHarness"])
def test_unbroken_store_passes_the_same(outcomes: dict[str, dict[str, str]], whole: str) -> None:
    """What kills the mutants is no accident of how they are run."""
    assert {} == {one: outcome for one, outcome in outcomes[whole].items() if outcome != "passed"}
