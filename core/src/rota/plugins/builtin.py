"""What core itself brings, through the same hooks as everybody: executors, queue policies, and the job of groups."""

from typing import TYPE_CHECKING, Final

from rota.plugins.hookspecs import hookimpl
from rota.plugins.specs import ExecutorSpec, PolicySpec

if TYPE_CHECKING:
    from rota.jobs.system import SystemJobs

__all__ = ["NAME", "rota_executors", "rota_jobs", "rota_queue_policies"]

NAME: Final = "core"
"""The name of this plugin; it can't be disabled."""


@hookimpl
def rota_executors() -> list[ExecutorSpec]:
    """Threads for `def`, the event loop for `async def`, killable children for either."""
    return [
        ExecutorSpec("thread", "rota.runtime.executors.thread:ThreadExecutor", "a thread per slot, for functions"),
        ExecutorSpec(
            "asyncio", "rota.runtime.executors.event_loop:EventLoopExecutor", "one event loop, for coroutines"
        ),
        ExecutorSpec(
            "process",
            "rota.runtime.executors.process.executor:ProcessExecutor",
            "a child per slot, which can be killed",
        ),
    ]


@hookimpl
def rota_jobs() -> "SystemJobs":
    """What flows are made with."""
    from rota.jobs.flow_jobs import flow_jobs  # the command, which loads plugins, needs no job

    return flow_jobs()


@hookimpl
def rota_queue_policies() -> list[PolicySpec]:
    """The three orders that core knows."""
    return [
        PolicySpec("priority", "rota.engine.rank:priority_policy", "lower priority value first, the default"),
        PolicySpec("fifo", "rota.engine.rank:fifo_rank", "first scheduled, first run"),
        PolicySpec("deadline", "rota.engine.rank:deadline_rank", "what expires first runs first"),
    ]
