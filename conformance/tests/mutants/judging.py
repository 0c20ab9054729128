"""Runs the suite against mutants, in a process of its own; each only by the tests of what it breaks.

`python -m conformance.tests.mutants.judging FILE NAME...` writes, by the name of the mutant, what became of the
requirement that it breaks; for "Mutant", which is whole, of all of them.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from conformance.tests.mutants import keeping, queueing  # noqa: F401 - they note their mutants
from conformance.tests.mutants.breeding import MUTANTS, Mutant, MutantHarness

from rota_conformance.results import Recorded
from rota_conformance.running import SUITE
from rota_conformance.verdict import judge

__all__ = ["judged"]

_OPTIONS = ("-p", "no:cacheprovider", "--import-mode=importlib", f"-c{SUITE / 'pytest.ini'}", f"--rootdir={SUITE}")
_HARNESS = f"--rota-harness={MutantHarness.__module__}:{MutantHarness.__name__}"


class _Only:
    """Leaves the tests of some requirements."""

    def __init__(self, requirements: set[str]) -> None:
        self._requirements = requirements

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [one for one in items if self._requirements & {given for mark in _marks(one) for given in mark.args}]


def _marks(item: pytest.Item) -> list[pytest.Mark]:
    return list(item.iter_markers("proves"))


def judged(bred: type[Mutant], requirements: set[str], record: Path) -> dict[str, str]:
    """What becomes of requirements with a mutant, by the record of a run of the tests that prove them."""
    MutantHarness.bred = bred
    named = [f'"{one}"' for one in requirements]
    files = [one for one in sorted(SUITE.glob("test_*.py")) if any(name in one.read_text() for name in named)]
    told = [_HARNESS, f"--rota-record={record}", "-q", "-prota_conformance.recorder", "--tb=short", *map(str, files)]
    stop = ["-x"] if len(requirements) == 1 else []
    pytest.main([*_OPTIONS, *stop, *told], plugins=[_Only(requirements)])
    recorded = msgspec.json.decode(record.read_bytes(), type=Recorded)
    return {one.id: one.outcome for one in judge(recorded) if one.id in requirements}


def _main(target: str, *names: str) -> None:
    by_name = {Mutant.__name__: Mutant, **{one.__name__: one for one in MUTANTS}}
    found = {}
    with TemporaryDirectory() as folder:
        for name in names:
            bred = by_name[name]
            wanted = {MUTANTS[bred]} if bred in MUTANTS else set(MUTANTS.values())
            found[name] = judged(bred, wanted, Path(folder) / f"{name}.json")
    Path(target).write_bytes(msgspec.json.encode(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
