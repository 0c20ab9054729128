"""Refusing to block where blocking would hang: an event loop's thread, or a slot that others wait for."""

import sys

from rota.jobs.running import CURRENT
from rota.model.errors import ConfigError

__all__ = ["on_event_loop", "refuse_blocking"]


def on_event_loop() -> bool:
    """True when this thread is running an event loop. Imports nothing: without asyncio there is no loop."""
    events = sys.modules.get("asyncio.events")
    running = getattr(events, "_get_running_loop", None)  # absent while another thread is importing it
    return running is not None and running() is not None


def refuse_blocking(what: str, instead: str) -> None:
    """Raise ConfigError inside a job, or on an event loop's thread, saying what to do instead."""
    running = CURRENT.get()
    if running is not None and running.blocks_a_slot:
        raise ConfigError(
            f"{what} inside the job {running.instance.kind!r} would hold its slot, which can deadlock; {instead}"
        )
    if on_event_loop():
        raise ConfigError(f"{what} on an event loop's thread would stop the loop; {instead}")
