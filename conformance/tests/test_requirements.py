"""The manifest, the contract's docstrings and the suite's tests say the same."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from rota.store.contract import Store
from rota_conformance.requirements import REQUIREMENTS
from rota_conformance.running import SUITE

_ID: Final = re.compile(r"\b[A-Z]+-\d+\b")
_OPERATIONS: Final = [name for name in vars(Store) if not name.startswith("_")]


def _named_by(operation: str) -> list[str]:
    """The ids in the docstring of an operation."""
    return _ID.findall(getattr(Store, operation).__doc__ or "")


def _proved() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """File and name of each test of the suite, with the ids that it proves."""
    for path in sorted(SUITE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield path.name, node.name, tuple(_ids_in(node))


def _ids_in(test: ast.FunctionDef) -> Iterator[str]:
    for call in test.decorator_list:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "proves":
            yield from (str(one.value) for one in call.args if isinstance(one, ast.Constant))


@pytest.mark.parametrize("operation", _OPERATIONS)
def test_docstring_names_the_requirements_of_its_operation(operation: str) -> None:
    """Each id stands once, at the operation that it is about, and nowhere stands one that is not in the manifest."""
    assert sorted(one.id for one in REQUIREMENTS.values() if one.operation == operation) == sorted(_named_by(operation))


def test_every_requirement_is_about_an_operation() -> None:
    """The manifest names no operation that the contract has not."""
    assert set() == {one.operation for one in REQUIREMENTS.values()} - set(_OPERATIONS)


def test_every_invariant_is_covered() -> None:
    """Each of the fifteen has a requirement that its docstring names too."""
    assert set(range(1, 16)) == {number for one in REQUIREMENTS.values() for number in one.invariants}
    for operation in _OPERATIONS:
        tail = (getattr(Store, operation).__doc__ or "").rpartition("invariant")[2]
        covered = {number for one in REQUIREMENTS.values() if one.operation == operation for number in one.invariants}
        told = {int(number) for number in re.findall(r"\b\d+\b", tail)} if "invariant" in (
            getattr(Store, operation).__doc__ or ""
        ) else set()  # fmt: skip
        assert (operation, set()) == (operation, covered - told)


def test_every_requirement_has_a_test() -> None:
    """There is none that only stands in the manifest."""
    assert set(REQUIREMENTS) == {one for _, _, ids in _proved() for one in ids}


def test_every_test_proves_something() -> None:
    """A test of the suite that names no requirement would count for nothing."""
    assert [] == [(file, name) for file, name, ids in _proved() if not ids]
