"""The command in a process of its own, as a user types it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["command", "environ", "running"]


def command(*arguments: str) -> list[str]:
    """`rota ARGUMENTS`, by this Python."""
    return [sys.executable, "-m", "rota", *arguments]


def environ(settings: dict[str, str]) -> dict[str, str]:
    """The environment without any setting of rota's but these."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ROTA_")} | settings


@contextmanager
def running(folder: Path, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """`rota ARGUMENTS` in `folder`, killed at the end of the block if it still runs."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=folder, env=environ(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
