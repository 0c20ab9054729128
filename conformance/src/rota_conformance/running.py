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

__all__ = ["SUITE", "check", "run"]

SUITE: Final = Path(__file__).parent / "suite"
_OPTIONS: Final = ("-p", "rota_conformance.recorder", "-p", "no:cacheprovider", "--import-mode=importlib", "-q")


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
    is shown only when it broke off. Raises: ConfigError when the suite can't be run at all.
    """
    with tempfile.TemporaryDirectory(prefix="rota-conformance-") as folder:
        record = Path(folder) / "record.json"
        told = {"store": url, "harness": harness, "profile": profile, "seed": str(seed), "record": str(record)}
        arguments = [f"--rota-{name}={value}" for name, value in told.items() if value is not None]
        command = [sys.executable, "-m", "pytest", *_OPTIONS, f"-c{SUITE / 'pytest.ini'}", f"--rootdir={SUITE}"]
        ran = subprocess.run(  # noqa: S603 - our own command
            [*command, *arguments, *pytest_args, str(SUITE)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(one for one in [os.getcwd(), *sys.path] if one)},
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


def check(url: str | None = None, *, harness: str | None = None, profile: str = "dev", seed: int = 0) -> Report:
    """`run`, for a test of one's own: the report when the verdict is `conformant`; else AssertionError that names what
    failed or was not run."""
    report = run(url, harness=harness, profile=profile, seed=seed, quiet=True)
    if report.verdict != "conformant":
        raise AssertionError(report.summary())
    return report
