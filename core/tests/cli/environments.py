"""Environments with distributions in them, and Python run in one as a user runs it."""

import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

__all__ = ["Runner", "environment"]

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


def environment(folder: Path, trees: Iterable[Path], *, others: Iterable[str] = ()) -> Runner:
    """Build the source trees as wheels, install them below `folder`, beside what this Python has. Of the plugins that
    are installed already those of the distributions `others` stay."""
    site, wheels = folder / "site", folder / "wheels"
    wheels.mkdir()
    _run(sys.executable, "-c", _BUILD, str(wheels), *map(str, trees)).check_returncode()
    built = map(str, sorted(wheels.glob("*.whl")))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps")
    _run(*pip, "--target", str(site), *built).check_returncode()

    installed = {point.dist.name for point in entry_points(group="rota") if point.dist is not None}
    unwanted = sorted(installed - set(others))
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        disabled = ",".join([*unwanted, settings.pop("ROTA_DISABLE_PLUGINS", "")])
        return _run(sys.executable, *arguments, PYTHONPATH=path, ROTA_DISABLE_PLUGINS=disabled, **settings)

    return run


def _run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROTA_")}
    environ = {**inherited, "COLUMNS": "80", "NO_COLOR": "1", **settings}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
