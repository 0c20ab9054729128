"""The jobs of the executor contract: plain functions, and coroutine functions that do the same.

What a job runs in may be another process, so that it and the test speak through files: `mark` and `marked`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from rota.jobs.context import Context
from rota.testing.waiting import wait_until

__all__ = ["COROUTINES", "FUNCTIONS", "mark", "marked"]

_PAUSE_S: Final = 0.01
_LONGEST_S: Final = 60.0  # nothing that a failed test leaves behind runs for ever


def mark(folder: str, name: str) -> None:
    """Say that something has happened."""
    Path(folder, name).touch()


def marked(folder: str, name: str) -> bool:
    """Whether it has."""
    return Path(folder, name).exists()


def add(a: int, b: int) -> int:
    """Return one value."""
    return a + b


def several(number: int, text: str) -> tuple[int, str, list[bytes]]:
    """Return several values."""
    return number, text, [b"one", b"two"]


def echo(data: bytes) -> bytes:
    """Return what came, however large."""
    return data


def fail(message: str) -> None:
    """Raise."""
    raise ValueError(message)


def listen(ctx: Context, folder: str) -> None:
    """Run until told "go", or asked to end."""
    mark(folder, "running")
    while not marked(folder, "go"):
        ctx.wait(_PAUSE_S)


def ignore(folder: str) -> None:
    """Run until told "go", whatever is asked."""
    mark(folder, "running")
    wait_until(lambda: marked(folder, "go"), _LONGEST_S, "the test lets it go")


def log(ctx: Context) -> None:
    """Say something, in two ways."""
    ctx.log.info("through %s", "the context")
    logging.getLogger("contract").warning("through logging")


def progress(ctx: Context) -> None:
    """Report how far it got."""
    ctx.progress(0.25)
    ctx.progress(0.75, "nearly")


async def add_async(a: int, b: int) -> int:
    """`add`."""
    return add(a, b)


async def several_async(number: int, text: str) -> tuple[int, str, list[bytes]]:
    """`several`."""
    return several(number, text)


async def echo_async(data: bytes) -> bytes:
    """`echo`."""
    return data


async def fail_async(message: str) -> None:
    """`fail`."""
    raise ValueError(message)


async def listen_async(folder: str) -> None:
    """`listen`: what asks it to end is its CancelledError."""
    mark(folder, "running")
    while not marked(folder, "go"):
        await asyncio.sleep(_PAUSE_S)


async def ignore_async(folder: str) -> None:
    """`ignore`."""
    ignore(folder)


async def log_async(ctx: Context) -> None:
    """`log`."""
    log(ctx)


async def progress_async(ctx: Context) -> None:
    """`progress`."""
    progress(ctx)


#: By name, what the contract asks for.
FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "add": add, "several": several, "echo": echo, "fail": fail,
    "listen": listen, "ignore": ignore, "log": log, "progress": progress,
}  # fmt: skip
COROUTINES: Final[Mapping[str, Callable[..., Any]]] = {
    "add": add_async, "several": several_async, "echo": echo_async, "fail": fail_async,
    "listen": listen_async, "ignore": ignore_async, "log": log_async, "progress": progress_async,
}  # fmt: skip
