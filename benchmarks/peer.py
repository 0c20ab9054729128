"""An environment for a peer: its releases are measured as they are, apart from what rota needs."""

import subprocess
import sys
import venv
from pathlib import Path

PLACE = Path(__file__).parents[1] / "build" / "peers"


def python_with(requirement: str) -> str:
    """The interpreter of an environment of this Python that holds `requirement`, made at the first time."""
    folder = PLACE / f"{requirement}-python{sys.version_info.major}.{sys.version_info.minor}"
    python, made = folder / "bin" / "python", folder / "made"
    if not made.exists():
        venv.create(folder, clear=True, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
        subprocess.run(install, check=True, stdout=sys.stderr)
        made.touch()
    return str(python)
