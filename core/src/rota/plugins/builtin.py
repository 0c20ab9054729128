"""What core itself brings, through the same hooks as everybody: executors and queue policies."""

from typing import Final

from rota.plugins.hookspecs import hookimpl
from rota.plugins.specs import ExecutorSpec, PolicySpec

__all__ = ["NAME", "rota_executors", "rota_queue_policies"]

NAME: Final = "core"
"""The name of this plugin; it can't be disabled."""


@hookimpl
def rota_executors() -> list[ExecutorSpec]:
    """Threads for `def`, the event loop for `async def`."""
    return [
        ExecutorSpec("thread", "rota.runtime.executors.thread:ThreadExecutor", "a thread per slot, for functions"),
        ExecutorSpec(
            "asyncio", "rota.runtime.executors.event_loop:EventLoopExecutor", "one event loop, for coroutines"
        ),
    ]


@hookimpl
def rota_queue_policies() -> list[PolicySpec]:
    """The three orders that core knows."""
    return [
        PolicySpec("priority", "rota.engine.rank:priority_policy", "lower priority value first, the default"),
        PolicySpec("fifo", "rota.engine.rank:fifo_rank", "first scheduled, first run"),
        PolicySpec("deadline", "rota.engine.rank:deadline_rank", "what expires first runs first"),
    ]
