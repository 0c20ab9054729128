"""The protocol of executors: what runs a job's function."""

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, TypeVar

from rota.model.records import Outcome
from rota.runtime.answer import Answer
from rota.runtime.attempt import Attempt
from rota.runtime.outside import Outside

__all__ = ["Executor", "ExecutorHost", "Finished"]

T = TypeVar("T")


class Finished(NamedTuple):
    """What the worker says to an executor that ended an attempt. `accepted` is False when the attempt had
    been ended already (it went over its time): what it gave does not count. `following` is the next
    attempt for this very executor, which has the slot now; None: wait for `submit`."""

    accepted: bool
    following: Attempt | None


class ExecutorHost(Protocol):
    """The worker, as executors see it. Thread-safe."""

    def run(self, attempt: Attempt) -> Outcome:
        """Convert, inject, call a plain function, and judge what came of it; in the caller's thread. Never raises."""
        ...

    async def run_async(self, attempt: Attempt) -> Outcome:
        """The same for a coroutine function, in the caller's task."""
        ...

    @property
    def outside(self) -> Outside:
        """What a process of the executor's own is told of the worker."""
        ...

    def run_outside(self, attempt: Attempt, ask: Callable[[Attempt], Answer]) -> Outcome:
        """Let `ask` have the function called in another process, and judge what came of it; in the caller's thread.
        `ask` is not called when the attempt should end already. Never raises."""
        ...

    def crashed(self, attempt: Attempt, how: str) -> Outcome:
        """The outcome of an attempt whose thread or process died; `how` says so in words."""
        ...

    def finish(self, attempt: Attempt, outcome: Outcome) -> Finished:
        """Hand in what came of an attempt, and get the next."""
        ...


class Executor(Protocol):
    """Runs attempts, each at most once, any number at a time: the worker counts slots, not the executor.

    A factory takes the `ExecutorHost`. Methods are called from several threads.
    """

    @property
    def capabilities(self) -> frozenset[Literal["cancel", "kill"]]:
        """`cancel`: a running attempt is interrupted from outside; `kill`: also one that does not listen."""
        ...

    def start(self) -> None:
        """Get ready; called before the first `submit`."""
        ...

    def submit(self, attempt: Attempt) -> None:
        """Run it soon. Never blocks."""
        ...

    def cancel(self, attempt: Attempt, force: bool) -> None:
        """Interrupt it as far as can be; with `force` its slot is given away and its end is not waited for."""
        ...

    def stop(self) -> None:
        """Let go of threads and processes; what still runs is left to itself. Idempotent."""
        ...
