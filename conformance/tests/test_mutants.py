"""The suite against stores that are broken on purpose: each fails, by the requirement that it breaks."""

from pathlib import Path

import msgspec
import pytest
from conformance.tests.mutants import keeping, queueing  # noqa: F401 - they note their mutants
from conformance.tests.mutants.breeding import MUTANTS, Mutant, MutantHarness

from rota_conformance.results import Recorded
from rota_conformance.running import SUITE
from rota_conformance.verdict import judge

_LEAST = 24


class _Only:
    """Leaves tests of one requirement, the quickest way to a verdict about it."""

    def __init__(self, requirements: set[str]) -> None:
        self._requirements = requirements

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [one for one in items if self._requirements & set(_proven(one))]


def _proven(item: pytest.Item) -> list[str]:
    return [one for mark in item.iter_markers("proves") for one in mark.args]


def _files(requirements: set[str]) -> list[str]:
    """The files of the suite that speak of them."""
    return [
        str(one)
        for one in sorted(SUITE.glob("test_*.py"))
        if any(f'"{wanted}"' in one.read_text() for wanted in requirements)
    ]


def _outcomes(bred: type[Mutant], requirements: set[str], tmp_path: Path, *more: str) -> dict[str, str]:
    """What becomes of requirements, by the record of a run of the tests that prove them."""
    record = tmp_path / "record.json"
    MutantHarness.bred = bred
    options = ["-p", "no:cacheprovider", "--import-mode=importlib", f"-c{SUITE / 'pytest.ini'}", f"--rootdir={SUITE}"]
    harness = f"--rota-harness={MutantHarness.__module__}:{MutantHarness.__name__}"
    told = [harness, f"--rota-record={record}", "-q", "--no-header", "-prota_conformance.recorder", *more]
    pytest.main([*options, *told, *_files(requirements)], plugins=[_Only(requirements)])
    recorded = msgspec.json.decode(record.read_bytes(), type=Recorded)
    return {one.id: one.outcome for one in judge(recorded) if one.id in requirements}


def test_there_are_enough_mutants() -> None:
    """At least so many."""
    assert len(MUTANTS) >= _LEAST


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_mutant_fails_by_the_requirement_that_it_breaks(mutant: type[Mutant], tmp_path: Path) -> None:
    """The suite finds it out, and says what is wrong."""
    wanted = MUTANTS[mutant]
    assert {wanted: "failed"} == _outcomes(mutant, {wanted}, tmp_path, "-x")


def test_unbroken_store_passes_the_same(tmp_path: Path) -> None:
    """What kills the mutants is no accident of how they are run."""
    requirements = set(MUTANTS.values()) - {"FLT-1"}
    assert dict.fromkeys(requirements, "passed") == _outcomes(Mutant, requirements, tmp_path)
