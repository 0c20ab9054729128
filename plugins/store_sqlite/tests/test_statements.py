"""The statements of `sql/*.sql`: each is used, and what is used is there."""

import ast
from collections.abc import Iterator
from pathlib import Path

import rota_store_sqlite
from rota_store_sqlite.statements import LAYOUT, schema, statements

_SOURCE = Path(rota_store_sqlite.__file__).parent
_GROUPS = sorted(path.stem for path in (_SOURCE / "sql").glob("*.sql") if not path.stem.startswith("schema_"))


class _Module:
    """What one file of the source says of statements."""

    def __init__(self, path: Path) -> None:
        self._tree = ast.parse(path.read_text("utf-8"))
        self.groups = dict(self._bound())
        nodes = list(ast.walk(self._tree))
        self.texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        self.takes_all = {
            self.groups[node.value.id]
            for node in nodes
            if isinstance(node, ast.Attribute)
            and node.attr == "values"
            and isinstance(node.value, ast.Name)
            and node.value.id in self.groups
        }

    def _bound(self) -> Iterator[tuple[str, str]]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                for call in ast.walk(node.value):
                    if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "statements":
                        (group,) = call.args
                        assert isinstance(group, ast.Constant)
                        yield node.target.id, str(group.value)

    def named(self) -> Iterator[tuple[str, str]]:
        """(group, name) of every statement that is asked for by a name written there."""
        for node in ast.walk(self._tree):
            pair: tuple[object, object] = (None, None)
            if isinstance(node, ast.Subscript):
                pair = node.value, node.slice
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "one" and len(node.args) > 1:
                pair = node.args[0], node.args[1]
            group, name = pair
            if isinstance(group, ast.Name) and group.id in self.groups and isinstance(name, ast.Constant):
                yield self.groups[group.id], str(name.value)


_MODULES = [_Module(path) for path in sorted(_SOURCE.glob("*.py"))]


def test_every_statement_is_used() -> None:
    """One that nothing asks for is dead, and nobody would notice that it is wrong."""
    unused = {
        (group, name)
        for group in _GROUPS
        for name in statements(group)
        if not any(group in one.takes_all or (group in one.groups.values() and name in one.texts) for one in _MODULES)
    }
    assert set() == unused


def test_every_statement_that_is_asked_for_is_there() -> None:
    """A slip in a name shows here, not in the one case that meets it."""
    named = {pair for one in _MODULES for pair in one.named()}
    assert len(named) > 50, "the search finds them"
    assert set() == {(group, name) for group, name in named if name not in statements(group)}
    assert set(_GROUPS) == {group for one in _MODULES for group in one.groups.values()}


def test_every_layout_has_its_script() -> None:
    """From none to the present one."""
    assert {f"schema_{number}.sql" for number in range(1, LAYOUT + 1)} == {
        path.name for path in (_SOURCE / "sql").glob("schema_*.sql")
    }
    assert all(schema(number) for number in range(1, LAYOUT + 1))
