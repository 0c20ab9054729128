"""Runs functions in child processes, which can be killed."""

import atexit
import multiprocessing
from multiprocessing.context import ForkServerContext, SpawnContext
from threading import Condition
from typing import Final, Literal, cast

from rota.jobs.importable import reference_of
from rota.model.errors import ConfigError
from rota.model.policy import ProcessOptions
from rota.runtime.attempt import Attempt
from rota.runtime.executor import ExecutorHost
from rota.runtime.executors.process.child import Child
from rota.runtime.executors.process.messages import ENCODE, Terms
from rota.runtime.executors.process.seat import ChildSeat
from rota.runtime.executors.runners import Runner, Runners

__all__ = ["ProcessExecutor"]

_STOP_S: Final = 15.0  # for all children to leave, or to die of a kill


class ProcessExecutor:
    """As many children as attempts run at once, each with a thread here that talks to it. Jobs with equal options
    share them. One that runs over its time is killed."""

    capabilities: frozenset[Literal["cancel", "kill"]] = frozenset({"cancel", "kill"})

    def __init__(self, host: ExecutorHost) -> None:
        self._host = host
        self._changed = Condition()  # guards the three below
        self._pools: dict[ProcessOptions, Runners] = {}
        self._seats: set[ChildSeat] = set()
        self._ended = False
        self._lifespan: str | None = None

    def start(self) -> None:
        """Children are started by `submit`. Raises ConfigError when they could not be, or not enter the lifespan."""
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise ConfigError(
                "a child process imports the program's main module, and must not start a worker: put `if __name__ == "
                '"__main__":` before what the program does'
            )
        lifespan = self._host.outside.lifespan
        self._lifespan = None if lifespan is None else reference_of("Manager(lifespan)", lifespan)
        atexit.register(self._end)

    def submit(self, attempt: Attempt) -> None:
        """Run it in a child that is free, or in a new one."""
        options = _options(attempt)
        with self._changed:
            pool = self._pools.get(options)
            if pool is None:
                pool = self._pools[options] = Runners(self._host, "rota-child", lambda: self._seat(options))
        pool.submit(attempt)

    def _seat(self, options: ProcessOptions) -> ChildSeat:
        seat = ChildSeat(self._host, options, lambda: self._child(options), self._gone)
        with self._changed:
            self._seats.add(seat)
        return seat

    def _gone(self, seat: ChildSeat) -> None:
        with self._changed:
            self._seats.discard(seat)
            self._changed.notify_all()

    def _child(self, options: ProcessOptions) -> Child:
        if self._ended:
            raise OSError("the program is ending")
        outside = self._host.outside
        terms = Terms(outside.client, outside.max_payload_bytes, self._lifespan, options.max_rss_bytes)
        return Child(_context(), ENCODE(terms))

    def cancel(self, attempt: Attempt, force: bool) -> None:
        """Ask the job to end, and kill its child after the grace; with `force` at once."""
        runner: Runner | None = attempt.handle
        if runner is None or not isinstance(runner.seat, ChildSeat):
            return
        if not force:
            runner.seat.ask_to_end(attempt)
            return
        self._pools[_options(attempt)].give_up(attempt)
        runner.seat.kill(attempt)

    def stop(self) -> None:
        """Let idle children leave, and kill the others. Idempotent."""
        for pool in list(self._pools.values()):
            pool.stop(_STOP_S)
        with self._changed:
            for seat in self._seats:
                seat.kill_all()
            self._changed.wait_for(lambda: not self._seats, _STOP_S)
        atexit.unregister(self._end)

    def _end(self) -> None:
        """The program ends, and the worker was not stopped: `multiprocessing` would wait for the children."""
        self._ended = True
        for seat in list(self._seats):
            seat.kill_all()


def _options(attempt: Attempt) -> ProcessOptions:
    return cast("ProcessOptions", attempt.definition.executor_options or ProcessOptions())


def _context() -> ForkServerContext | SpawnContext:
    """Never fork: a copy of a process with threads may hang on a lock that one of them held."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("forkserver")
    return multiprocessing.get_context("spawn")
