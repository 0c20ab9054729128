"""Waiting in tests for what another thread does: by asking, with a limit, never by a fixed sleep."""

import time
from collections.abc import Callable

__all__ = ["wait_until"]


def wait_until(predicate: Callable[[], object], timeout_s: float = 10.0, description: str = "") -> None:
    """Return once `predicate()` is true; AssertionError naming `description` after `timeout_s` real seconds."""
    deadline = time.monotonic() + timeout_s
    pause_s = 0.0005
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {description or predicate}")
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.02)
