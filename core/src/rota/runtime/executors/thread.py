"""Runs plain functions in threads, which are made as they are needed."""

import logging
from collections import deque
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Final, Literal

from rota.model.records import Ending, Outcome
from rota.runtime.attempt import Attempt
from rota.runtime.executor import ExecutorHost
from rota.runtime.running_lock import RunningLock

__all__ = ["ThreadExecutor"]

_log = logging.getLogger("rota.worker")

_JOIN_S: Final = 5.0


class _Runner:
    """One thread; `attempt` is what it runs. `given_up` once another thread stands in for it."""

    __slots__ = ("attempt", "given_up", "thread")

    def __init__(self) -> None:
        self.attempt: Attempt | None = None
        self.given_up = False
        self.thread: Thread | None = None


class ThreadExecutor:
    """As many threads as attempts run at once. One that runs over its time is given up: nothing can end a
    thread from outside, so another takes its place, and it ends when its function returns."""

    capabilities: frozenset[Literal["cancel", "kill"]] = frozenset()

    def __init__(self, host: ExecutorHost) -> None:
        self._host = host
        self._waiting: deque[Attempt] = deque()
        self._tokens: SimpleQueue[bool] = SimpleQueue()  # True for one that waits, False to end a thread
        self._lock = RunningLock()
        self._runners: set[_Runner] = set()
        self._busy = 0

    def start(self) -> None:
        """Threads are made by `submit`."""

    def submit(self, attempt: Attempt) -> None:
        """Run it in a thread that is free, or in a new one."""
        self._waiting.append(attempt)
        self._tokens.put(True)
        with self._lock:
            self._busy += 1
            if self._busy > len(self._runners):
                self._add_runner()

    def _add_runner(self) -> None:
        runner = _Runner()
        runner.thread = Thread(target=self._run, args=(runner,), name="rota-thread", daemon=True)
        try:
            runner.thread.start()
        except RuntimeError as error:  # the machine has no more: one of those there takes it once it is free
            _log.warning("no thread can be started (%s): a job waits for another one to end", error)
        else:
            self._runners.add(runner)

    def cancel(self, attempt: Attempt, force: bool) -> None:
        """A function is asked through its context alone; with `force` its thread is given up."""
        runner = attempt.handle
        if not force or runner is None:
            return
        with self._lock:
            if runner.attempt is attempt:
                runner.given_up = True
                self._runners.discard(runner)
                self._busy -= 1

    def stop(self) -> None:
        """End the threads that are idle; one that still runs a function ends after it."""
        with self._lock:
            runners = list(self._runners)
            self._runners.clear()
        for _ in runners:
            self._tokens.put(False)
        for runner in runners:
            if runner.thread is not None and runner.attempt is None:
                runner.thread.join(_JOIN_S)

    def _run(self, runner: _Runner) -> None:
        try:
            self._work(runner)
        finally:  # also when an exception was thrown into the thread from outside, between two jobs
            self._bury(runner)

    def _bury(self, runner: _Runner) -> None:
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
            crashed = Outcome(attempt.claim.record.id, attempt.claim.token, Ending.CRASHED, reason="crashed")
            following = self._host.finish(attempt, crashed).following
            if following is not None:
                self.submit(following)

    def _next(self) -> Attempt | None:
        while self._tokens.get():
            with suppress(IndexError):
                return self._waiting.popleft()
        return None

    def _work(self, runner: _Runner) -> None:
        context = copy_context()
        while (attempt := self._next()) is not None:
            following: Attempt | None = attempt
            while following is not None:
                attempt = following
                runner.attempt, attempt.handle = attempt, runner
                outcome = context.copy().run(self._host.run, attempt)
                if not self._free(runner):
                    return  # its end was recorded when it was given up
                following = self._host.finish(attempt, outcome).following
                if following is not None:
                    self._take()

    def _free(self, runner: _Runner) -> bool:
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
