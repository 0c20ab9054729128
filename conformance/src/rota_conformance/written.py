"""The tests that the suite has, as its files say: what a run must have called, whatever pytest collected."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["SUITE", "written_tests"]

SUITE: Final = Path(__file__).parent / "suite"


@cache
def written_tests() -> dict[str, tuple[str, ...]]:
    """Each test, "test_claim.py::test_x", with the requirements that it proves."""
    return {
        f"{file.name}::{name}": proves
        for file in sorted(SUITE.glob("test_*.py"))
        for name, proves in _tests_in(ast.parse(file.read_text("utf-8")))
    }


def _tests_in(module: ast.Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, tuple(one for mark in node.decorator_list for one in _proved(mark))


def _proved(mark: ast.expr) -> Iterator[str]:
    if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "proves":
        yield from (one.value for one in mark.args if isinstance(one, ast.Constant) and isinstance(one.value, str))
