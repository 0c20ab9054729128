"""Runs the suite against mutants, in a process of its own; each only by the tests of what it breaks.

`python -m conformance.tests.mutants.judging FILE NAME...` writes, by the name of the mutant, what became of the
requirement that it breaks; for "Mutant" and "served:ServedHarness", which are whole, of all of them.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from conformance.tests.mutants import keeping, queueing  # noqa: F401 - they note their mutants
from conformance.tests.mutants.breeding import MUTANTS, Mutant, MutantHarness
from conformance.tests.mutants.sharing import SHARED
from conformance.tests.served import ServedHarness

from rota_conformance.harness import StoreHarness
from rota_conformance.results import Recorded
from rota_conformance.running import SUITE
from rota_conformance.verdict import judge

__all__ = ["judged"]

_OPTIONS = ("-p", "no:cacheprovider", "--import-mode=importlib", f"-c{SUITE / 'pytest.ini'}", f"--rootdir={SUITE}")


class _Only:
    """Leaves the tests of some requirements."""

    def __init__(self, requirements: set[str]) -> None:
        self._requirements = requirements

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [one for one in items if self._requirements & {given for mark in _marks(one) for given in mark.args}]


def _marks(item: pytest.Item) -> list[pytest.Mark]:
    return list(item.iter_markers("proves"))


def judged(harness: type[StoreHarness], requirements: set[str], record: Path) -> dict[str, str]:
    """What becomes of requirements with a store, by the record of a run of the tests that prove them."""
    named = [f'"{one}"' for one in requirements]
    files = [one for one in sorted(SUITE.glob("test_*.py")) if any(name in one.read_text() for name in named)]
    told = [
        f"--rota-harness={harness.__module__}:{harness.__name__}",
        f"--rota-record={record}",
        "-q",
        "-prota_conformance.recorder",
        "--tb=short",
        *map(str, files),
    ]
    stop = ["-x"] if len(requirements) == 1 else []
    pytest.main([*_OPTIONS, *stop, *told], plugins=[_Only(requirements)])
    recorded = msgspec.json.decode(record.read_bytes(), type=Recorded)
    return {one.id: one.outcome for one in judge(recorded) if one.id in requirements}


def _judge(name: str, record: Path) -> dict[str, str]:
    """A mutant by its own requirement; what is whole by all of them."""
    shared = {one.__name__: ({requirement}, one) for one, requirement in SHARED.items()}
    shared[ServedHarness.__name__] = set(SHARED.values()), ServedHarness
    if name.removeprefix("served:") != name:
        requirements, harness = shared[name.removeprefix("served:")]
        return judged(harness, requirements, record)
    bred = {one.__name__: one for one in (Mutant, *MUTANTS)}[name]
    MutantHarness.bred = bred
    return judged(MutantHarness, {MUTANTS[bred]} if bred in MUTANTS else set(MUTANTS.values()), record)


def _main(target: str, *names: str) -> None:
    with TemporaryDirectory() as folder:
        found = {name: _judge(name, Path(folder) / f"{number}.json") for number, name in enumerate(names)}
    Path(target).write_bytes(msgspec.json.encode(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
