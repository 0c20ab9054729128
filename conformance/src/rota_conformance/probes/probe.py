"""The test's end of a child process: says a line, reads a line, sends signals."""

import json
import os
import select
import signal
import subprocess
import sys
from typing import Any, Final

from rota_conformance.harness import StoreHarness

__all__ = ["Probe"]

_SURE_S: Final = 30.0


class Probe:
    """A process that runs `rota_conformance.probes.PROGRAM` on a namespace. Use it in a `with`."""

    def __init__(self, harness: StoreHarness, namespace: str, program: str, *arguments: str) -> None:
        kind = type(harness)
        reference = f"{kind.__module__}:{kind.__qualname__}"
        self._name = " ".join([program, *arguments])
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"rota_conformance.probes.{program}", reference, harness.url, namespace, *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(one for one in [os.getcwd(), *sys.path] if one)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what was said stands in the pipe, where `select` sees it
        )

    def __enter__(self) -> "Probe":
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

    def say(self, operation: str, **options: Any) -> None:
        """Tell it to do something; it answers later."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([operation, options]).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """What it says next. Raises: AssertionError when it says nothing for long, or has ended."""
        assert self._process.stdout is not None
        there, _, _ = select.select([self._process.stdout], [], [], _SURE_S)
        assert there, f"{self._name!r} says nothing"
        line = self._process.stdout.readline()
        assert line, f"{self._name!r} has ended"
        return json.loads(line)

    def ask(self, operation: str, **options: Any) -> Any:
        """Say it, and wait for the answer."""
        self.say(operation, **options)
        return self.answer()

    def stop(self) -> None:
        """Let it stand still, between any two of its instructions."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def go_on(self) -> None:
        """Let it go on as if nothing had been."""
        self._process.send_signal(signal.SIGCONT)

    def last_words(self) -> list[Any]:
        """End it in the midst of what it does; what it had said and nobody had heard."""
        assert self._process.stdout is not None
        self._process.kill()
        lines = self._process.stdout.read().splitlines(keepends=True)
        self.kill()
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def kill(self) -> None:
        """End it, with no chance to do anything about it. Idempotent."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
