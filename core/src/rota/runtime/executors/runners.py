"""Threads that run attempts one after the other: as many as run at once, made as they are needed."""

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Final, Protocol

from rota.model.records import Outcome
from rota.runtime.attempt import Attempt
from rota.runtime.executor import ExecutorHost
from rota.runtime.running_lock import RunningLock

__all__ = ["Runner", "Runners", "Seat"]

_log = logging.getLogger("rota.worker")

_JOIN_S: Final = 5.0


class Seat(Protocol):
    """Where a runner runs its attempts; each has its own."""

    def run(self, attempt: Attempt) -> Outcome:
        """Run it, in the runner's thread. Never raises."""
        ...

    def close(self) -> None:
        """The runner's thread ends."""
        ...


class Runner:
    """One thread; `attempt` is what it runs. `given_up` once another thread stands in for it."""

    __slots__ = ("attempt", "given_up", "seat", "thread")

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.attempt: Attempt | None = None
        self.given_up = False
        self.thread: Thread | None = None


class Runners:
    """Threads called `name`, each with a seat of its own. One whose attempt is given up is replaced."""

    def __init__(self, host: ExecutorHost, name: str, make_seat: Callable[[], Seat]) -> None:
        self._host = host
        self._name = name
        self._make_seat = make_seat
        self._waiting: deque[Attempt] = deque()
        self._tokens: SimpleQueue[bool] = SimpleQueue()  # True for one that waits, False to end a thread
        self._lock = RunningLock()
        self._runners: set[Runner] = set()
        self._busy = 0

    def submit(self, attempt: Attempt) -> None:
        """Run it in a thread that is free, or in a new one."""
        self._waiting.append(attempt)
        self._tokens.put(True)
        with self._lock:
            self._busy += 1
            if self._busy > len(self._runners):
                self._add_runner()

    def _add_runner(self) -> None:
        runner = Runner(self._make_seat())
        runner.thread = Thread(target=self._run, args=(runner,), name=self._name, daemon=True)
        try:
            runner.thread.start()
        except RuntimeError as error:  # the machine has no more: one of those there takes it once it is free
            _log.warning("no thread can be started (%s): a job waits for another one to end", error)
        else:
            self._runners.add(runner)

    def give_up(self, attempt: Attempt) -> Runner | None:
        """Let another thread stand in for the one that runs it, which ends after it; None when none runs it."""
        runner: Runner | None = attempt.handle
        if runner is None:
            return None
        with self._lock:
            if runner.attempt is not attempt:
                return None
            runner.given_up = True
            self._runners.discard(runner)
            self._busy -= 1
        return runner

    def stop(self, timeout_s: float = _JOIN_S) -> None:
        """End the threads that are idle; one that still runs a function ends after it."""
        with self._lock:
            runners = list(self._runners)
            self._runners.clear()
        for _ in runners:
            self._tokens.put(False)
        for runner in runners:
            if runner.thread is not None and runner.attempt is None:
                runner.thread.join(timeout_s)

    def _run(self, runner: Runner) -> None:
        try:
            self._work(runner)
        finally:  # also when an exception was thrown into the thread from outside, between two jobs
            self._bury(runner)
            runner.seat.close()

    def _bury(self, runner: Runner) -> None:
        with self._lock:
            attempt, runner.attempt = runner.attempt, None
            if runner not in self._runners:
                return
            self._runners.discard(runner)
            if attempt is not None:
                self._busy -= 1
            if self._busy > len(self._runners):
                self._add_runner()
        for _ in range(len(self._waiting)):  # it may have had a token in hand; one too many does no harm
            self._tokens.put(True)
        if attempt is not None:
            crashed = self._host.crashed(attempt, "an exception was thrown into the worker's thread that ran it")
            following = self._host.finish(attempt, crashed).following
            if following is not None:
                self.submit(following)

    def _next(self) -> Attempt | None:
        while self._tokens.get():
            with suppress(IndexError):
                return self._waiting.popleft()
        return None

    def _work(self, runner: Runner) -> None:
        context, run = copy_context(), runner.seat.run
        while (attempt := self._next()) is not None:
            following: Attempt | None = attempt
            while following is not None:
                attempt = following
                runner.attempt, attempt.handle = attempt, runner
                outcome = context.copy().run(run, attempt)
                if not self._free(runner):
                    return  # its end was recorded when it was given up
                following = self._host.finish(attempt, outcome).following
                if following is not None:
                    self._take()

    def _free(self, runner: Runner) -> bool:
        """Note that it runs nothing, before its slot is passed on: else the next would find no thread free and
        make another. False when it was given up."""
        with self._lock:
            runner.attempt = None
            if not runner.given_up:
                self._busy -= 1
            return not runner.given_up

    def _take(self) -> None:
        with self._lock:
            self._busy += 1
            if self._busy > len(self._runners):  # what was submitted meanwhile counted on this thread
                self._add_runner()
