"""The stores of this project pass the suite that they ask others to pass."""

import tomllib
from pathlib import Path

import pytest

from rota_conformance import check

MATRIX = tomllib.loads((Path(__file__).parents[1] / "conformance/reports/matrix.toml").read_text("utf-8"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MATRIX)
def test_store_conforms(name: str) -> None:
    """Every requirement of the suite, at the profile that the matrix names."""
    store = MATRIX[name]
    check(store.get("store"), harness=store.get("harness"), profile=store["profile"])


def test_every_store_plugin_is_in_the_matrix() -> None:
    """None is left out of the run."""
    plugins = {path.name.removeprefix("store_") for path in Path(__file__).parents[1].glob("plugins/store_*")}
    assert plugins
    assert plugins <= MATRIX.keys()
