"""The workspace's own lists are complete: nothing is built, tested or released past its rules."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parent.parent
_MEMBERS = sorted(
    manifest.parent
    for pattern in ("core/pyproject.toml", "plugins/*/pyproject.toml", "conformance/pyproject.toml")
    for manifest in _ROOT.glob(pattern)
)


def manifest_of(folder: Path) -> dict[str, Any]:
    """Read a pyproject.toml."""
    return tomllib.loads((folder / "pyproject.toml").read_text())


@pytest.mark.parametrize("member", _MEMBERS, ids=lambda member: member.name)
def test_member_of_the_workspace_is_under_the_import_contract(member: Path) -> None:
    """Every package of every distribution stands on a layer of the contract "distributions"."""
    config = manifest_of(_ROOT)["tool"]["importlinter"]
    layered = {module.strip() for layer in config["contracts"][0]["layers"] for module in layer.split("|")}
    packages = {package.name for package in (member / "src").iterdir() if (package / "__init__.py").exists()}
    assert packages
    assert set() == packages - layered, "add it to the layers of the first contract in the root pyproject.toml"
    assert set() == packages - set(config["root_packages"]), "add it to root_packages in the root pyproject.toml"


@pytest.mark.parametrize("member", _MEMBERS, ids=lambda member: member.name)
def test_member_of_the_workspace_has_the_shape_of_all(member: Path) -> None:
    """Every distribution brings a README, its licence, types, and metadata that says the same as the others."""
    project, root = manifest_of(member)["project"], manifest_of(_ROOT)["project"]
    for key in ("version", "license", "authors", "requires-python"):
        assert root[key] == project[key], key
    assert {"keywords", "classifiers", "description"} <= project.keys()
    assert (_ROOT / "LICENSE").read_bytes() == (member / "LICENSE").read_bytes()
    assert (member / "README.md").read_text().strip()
    assert list(member.glob("src/*/py.typed"))


def test_pins_are_names_and_versions_only() -> None:
    """constraints.txt records no address that packages were downloaded from."""
    lines = (_ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert pins
    assert [] == [pin for pin in pins if pin.count("==") != 1 or set(pin) & set("/:@ ")]
