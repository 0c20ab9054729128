"""`rota conformance init`: the plugin that it writes is built, installed and tested as its author would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rota.model.errors import ConfigError
from rota_conformance.skeleton import write_skeleton


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the skeleton is installed."""
    folder = tmp_path_factory.mktemp("skeleton")
    project = write_skeleton("rota-store-acme", folder)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--target", str(folder / "site"), str(project)]
    subprocess.run([*command, *options], check=True, timeout=60)
    return folder / "site"


def rota(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`rota ARGUMENTS` where the skeleton is installed."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "rota", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_skeleton_is_found_and_sound(site: Path) -> None:
    """The entry point, the factory and the scheme are right."""
    assert "acme" in rota(site, "plugins").stdout
    assert 0 == rota(site, "plugins", "doctor", "acme").returncode


def test_suite_passes_on_the_skeleton(site: Path) -> None:
    """Its author begins with a store that is right, and breaks it at his own pace."""
    ran = rota(site, "conformance", "run", "--store", "acme://test")
    assert (0, True) == (ran.returncode, "acme://test: conformant" in ran.stdout), ran.stdout[-3000:]


def test_skeleton_is_not_written_over_what_is_there(tmp_path: Path) -> None:
    """A second run must not cost anybody's work."""
    write_skeleton("rota-store-acme", tmp_path)
    with pytest.raises(ConfigError, match="is there already"):
        write_skeleton("rota-store-acme", tmp_path)


@pytest.mark.parametrize("name", ["acme", "Rota-Store", "rota_store_acme", "../x-y", ""])
def test_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """Before anything is written."""
    with pytest.raises(ConfigError, match="a distribution is named like"):
        write_skeleton(name, tmp_path)
    assert [] == list(tmp_path.iterdir())
