"""Environments with plugin distributions in them, and the command run in one as a user runs it."""

import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import pytest
from core.tests.cli.projects import SOUND, TROUBLED, Project

_BUILD = """
import os, sys
from hatchling.build import build_wheel
for project in sys.argv[2:]:
    os.chdir(project)
    build_wheel(sys.argv[1])
"""


class Runner(Protocol):
    """Runs Python in an environment; `settings` are environment variables. What else is installed is disabled."""

    def __call__(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """`python arguments...`."""
        ...


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """An environment where every kind of broken plugin is installed at once."""
    return _environment(tmp_path_factory.mktemp("troubled"), TROUBLED)


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """An environment where nothing is wrong."""
    return _environment(tmp_path_factory.mktemp("sound"), SOUND)


def _environment(folder: Path, projects: Iterable[Project]) -> Runner:
    site, wheels = folder / "site", folder / "wheels"
    wheels.mkdir()
    trees = [str(project.write(folder)) for project in projects]
    _run(sys.executable, "-c", _BUILD, str(wheels), *trees).check_returncode()
    built = map(str, sorted(wheels.glob("*.whl")))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps")
    _run(*pip, "--target", str(site), *built).check_returncode()

    others = [point.dist.name for point in entry_points(group="rota") if point.dist is not None]

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        disabled = ",".join([*others, settings.pop("ROTA_DISABLE_PLUGINS", "")])
        return _run(sys.executable, *arguments, PYTHONPATH=str(site), ROTA_DISABLE_PLUGINS=disabled, **settings)

    return run


def _run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROTA_")}
    environ = {**inherited, "COLUMNS": "80", "NO_COLOR": "1", **settings}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
