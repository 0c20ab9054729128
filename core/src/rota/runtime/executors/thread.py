"""Runs plain functions in threads, which are made as they are needed."""

from typing import Literal

from rota.runtime.attempt import Attempt
from rota.runtime.executor import ExecutorHost
from rota.runtime.executors.runners import Runners

__all__ = ["ThreadExecutor"]


class ThreadExecutor:
    """As many threads as attempts run at once. One that runs over its time is given up: nothing can end a
    thread from outside, so another takes its place, and it ends when its function returns."""

    capabilities: frozenset[Literal["cancel", "kill"]] = frozenset()

    def __init__(self, host: ExecutorHost) -> None:
        self._runners = Runners(host, "rota-thread", lambda: _InThread(host))

    def start(self) -> None:
        """Threads are made by `submit`."""

    def submit(self, attempt: Attempt) -> None:
        """Run it in a thread that is free, or in a new one."""
        self._runners.submit(attempt)

    def cancel(self, attempt: Attempt, force: bool) -> None:
        """A function is asked through its context alone; with `force` its thread is given up."""
        if force:
            self._runners.give_up(attempt)

    def stop(self) -> None:
        """End the threads that are idle; one that still runs a function ends after it."""
        self._runners.stop()


class _InThread:
    """The seat of a thread that runs functions itself."""

    __slots__ = ("run",)

    def __init__(self, host: ExecutorHost) -> None:
        self.run = host.run

    def close(self) -> None:
        """There is nothing to let go of."""
