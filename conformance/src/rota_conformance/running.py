"""Runs the suite in a process of its own, apart from the caller's tests and settings, and makes its report."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from rota.model.errors import ConfigError
from rota_conformance.report import Report, report_of
from rota_conformance.results import Recorded
from rota_conformance.written import SUITE

__all__ = ["SUITE", "check", "run"]

_OPTIONS: Final = ("-p", "rota_conformance.recorder", "-p", "no:cacheprovider", "--import-mode=importlib", "-q")
#: What would make another suite of it, or test another store than the report names.
_REFUSED: Final = ("--rota", "--rootdir", "--config-file", "--override-ini", "-c", "-o", "@")
#: What pytest would take from elsewhere.
_NOT_PASSED_ON: Final = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


def run(
    url: str | None = None,
    *,
    harness: str | None = None,
    profile: str = "dev",
    seed: int = 0,
    pytest_args: Sequence[str] = (),
    quiet: bool = False,
) -> Report:
    """Run the suite against a store URL, or a harness "package.module:Class"; what came of it.

    `pytest_args` go to pytest as they are: what they leave out is missing in the verdict. With `quiet` pytest's output
    is shown only when it broke off. Raises: ConfigError when the suite can't be run at all, and for arguments that
    would make another one of it.
    """
    refused = [one for one in pytest_args if one.startswith(_REFUSED)]
    if refused:
        raise ConfigError(f"{' '.join(refused)}: what follows -- selects tests and how they are shown, no more")
    with tempfile.TemporaryDirectory(prefix="rota-conformance-") as folder:
        record = Path(folder) / "record.json"
        told = {"store": url, "harness": harness, "profile": profile, "seed": str(seed), "record": str(record)}
        arguments = [f"--rota-{name}={value}" for name, value in told.items() if value is not None]
        command = [sys.executable, "-m", "pytest", *_OPTIONS, f"-c{SUITE / 'pytest.ini'}", f"--rootdir={SUITE}"]
        ran = subprocess.run(  # noqa: S603 - our own command
            [*command, *arguments, *pytest_args, str(SUITE)],
            env=_environ(),
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
            text=True,
            check=False,
        )
        if not record.exists():
            said = f":\n{ran.stdout}" if quiet else ""
            raise ConfigError(f"the suite could not be run, pytest ended with {ran.returncode}{said}")
        recorded = msgspec.json.decode(record.read_bytes(), type=Recorded)
    return report_of(recorded, url=url, harness=harness, profile=profile, seed=seed, pytest_args=tuple(pytest_args))


def _environ() -> dict[str, str]:
    """This one's, without what would bring plugins and options of others into the run."""
    path = os.pathsep.join(one for one in [os.getcwd(), *sys.path] if one)
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    return {**kept, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def check(url: str | None = None, *, harness: str | None = None, profile: str = "dev", seed: int = 0) -> Report:
    """`run`, for a test of one's own: the report when the verdict is `conformant`; else AssertionError that names what
    failed or was not run."""
    report = run(url, harness=harness, profile=profile, seed=seed, quiet=True)
    if report.verdict != "conformant":
        raise AssertionError(report.summary())
    return report
