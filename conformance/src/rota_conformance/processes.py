"""Starts the suite's own programs against the store under test, each in a process that the test may kill or stop."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from rota_conformance.lab import Lab

__all__ = ["ChildProcess", "child_process"]


class ChildProcess:
    """A program of the suite that tells JSON, a line at a time."""

    def __init__(self, popen: "subprocess.Popen[str]", said: IO[str], told: IO[str]) -> None:
        self._popen = popen
        self.said = said
        self._told = told

    def hear(self) -> Any:
        """What it tells next."""
        return json.loads(self.said.readline())

    def go(self) -> None:
        """Let it take its next step."""
        self._told.write("\n")
        self._told.flush()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._popen.send_signal(number)


@contextmanager
def child_process(lab: Lab, program: str, *arguments: str) -> Iterator[ChildProcess]:
    """Run `rota_conformance.PROGRAM` on the namespace of `lab`; it is gone when the context ends."""
    harness = lab.harness
    reference = f"{type(harness).__module__}:{type(harness).__qualname__}"
    with subprocess.Popen(
        [sys.executable, "-m", f"rota_conformance.{program}", reference, harness.url, lab.namespace, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(one for one in [os.getcwd(), *sys.path] if one)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as popen:
        assert popen.stdout is not None
        assert popen.stdin is not None
        try:
            yield ChildProcess(popen, popen.stdout, popen.stdin)
        finally:
            popen.kill()
