"""The main program of a child: enters the lifespan, runs one task after the other, and ends with its worker."""

import asyncio
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from multiprocessing.connection import Connection
from threading import Condition, Lock, Thread
from typing import Any, Final, TypeVar, cast

from rota.engine.arguments import ArgumentPlan, OpenPlan
from rota.jobs.declare import declare
from rota.jobs.definition import Definition
from rota.jobs.functions import is_asynchronous
from rota.jobs.importable import function_at
from rota.jobs.instance import InstanceSource
from rota.model.clock import SystemClock
from rota.model.errors import JobCanceled
from rota.model.records import ErrorRecord, LogRecord
from rota.runtime import invoke
from rota.runtime.answer import Failed, Returned
from rota.runtime.attempt import Surroundings
from rota.runtime.executors.process.channel import Channel
from rota.runtime.executors.process.child_attempt import ChildAttempt, ClientHere, SourceHere
from rota.runtime.executors.process.messages import (
    DECODE_ASKED,
    DECODE_TERMS,
    DECODE_TO_CHILD,
    ENCODE,
    Asked,
    Broken,
    FromChild,
    Line,
    Ready,
    Task,
    Terms,
    Worn,
)
from rota.runtime.executors.process.mortality import die_with, resident_bytes
from rota.runtime.executors.process.reporter import Reporter
from rota.runtime.failure import failure
from rota.runtime.job_log import CaptureHandler
from rota.runtime.lifespan import Lifespan

__all__ = ["UNBEGUN", "main"]

T = TypeVar("T")

_log = logging.getLogger("rota.worker")

_EXIT_ORPHANED: Final = 1
_EXIT_BROKEN: Final = 1
_EXIT_FORKED: Final = 0

#: The answer for a task that was asked to end before it began; the worker knows why.
UNBEGUN: Final = Failed(ErrorRecord("canceled", JobCanceled.__name__, "it was asked to end before it began"))


def main(tasks: Connection, asked: Connection, lives: Connection, terms: bytes) -> None:
    """Serve until told to end, or until the worker is gone."""
    die_with(lives)
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal and a supervisor send them to all; the worker decides
        signal.signal(number, lambda *_: None)  # unlike SIG_IGN, no program that a job starts inherits it
    Resident(Channel(tasks), asked, DECODE_TERMS(terms)).serve()


class Resident:
    """Runs tasks in this thread; another one hears what they are asked, and the end of the worker."""

    def __init__(self, channel: Channel, asked: Connection, terms: Terms) -> None:
        self._channel = channel
        self._asks = asked
        self._terms = terms
        self._here: ClientHere = _named(terms.client.factory)(terms.client)
        self._reporter = Reporter(terms.max_payload_bytes)
        self._saying = Lock()
        self._turn = Lock()  # guards the five below
        self._asked: Asked | None = None
        self._number = 0
        self._attempt: ChildAttempt | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._forked = False
        self._known: dict[tuple[str, str], tuple[Definition, bool]] = {}
        self._plans: dict[str, ArgumentPlan | OpenPlan] = {}
        source = cast(InstanceSource, SourceHere(self._here, self._plans))
        self._around = Surroundings(
            cast(Any, None), source, SystemClock(), self._put_line, Condition(), {}  # the attempt has the client
        )  # fmt: skip

    # ---- its life ----------------------------------------------------------------------------

    def serve(self) -> None:
        """Say that it is ready, run tasks until told to end, and leave in order."""
        os.register_at_fork(after_in_child=self._let_go)
        Thread(target=self._listen, name="rota-asked", daemon=True).start()
        logging.getLogger().addHandler(CaptureHandler(self._around))
        with asyncio.Runner() as runner:
            lifespan = self._enter(runner)
            self._say(Ready())
            self._run_tasks(runner)
            self._here.close()
            lifespan.exit()

    def _enter(self, runner: asyncio.Runner) -> Lifespan:
        reference = self._terms.lifespan
        try:
            lifespan = Lifespan(
                None if reference is None else function_at(reference),
                lambda coroutine, timeout_s: runner.run(_bounded(coroutine, timeout_s)),
            )
            self._around.resources = lifespan.enter()
        except BaseException as error:  # noqa: BLE001 - the code of a user
            _log.error("a child of the worker can't enter the lifespan", exc_info=error)
            record = failure(error)
            self._say(Broken(f"its lifespan raised {record.type_name}: {record.message}"))
            sys.exit(_EXIT_BROKEN)
        return lifespan

    def _run_tasks(self, runner: asyncio.Runner) -> None:
        max_rss = self._terms.max_rss_bytes
        while isinstance(task := self._heard(), Task):
            answer = self._perform(task, runner)
            with self._turn:
                self._attempt = self._task = None
            if max_rss is not None and resident_bytes() > max_rss:
                self._say(Worn())
            self._say(answer)

    def _heard(self) -> object:
        try:
            return DECODE_TO_CHILD(self._channel.receive())
        except EOFError:
            os._exit(_EXIT_ORPHANED)

    def _let_go(self) -> None:
        """In a process that a job forked: it takes no tasks, answers none, and keeps no pipe of the child's open."""
        self._forked = True
        self._channel.close()
        self._asks.close()

    # ---- one task ----------------------------------------------------------------------------

    def _perform(self, task: Task, runner: asyncio.Runner) -> Returned | Failed:
        try:
            definition, is_async = self._definition(task.function, task.claim.record.kind)
        except BaseException as error:  # noqa: BLE001 - the import of a user's module
            return self._reporter.raised(cast(Any, None), error, retriable=False)
        self._around.worker = task.worker
        attempt = ChildAttempt(task.claim, definition, self._around, self._here, task.arguments)
        if task.left_s is not None:
            attempt.deadline_at = self._around.clock.monotonic() + task.left_s
        if not self._take(task.number, attempt):
            return UNBEGUN
        if is_async:
            return runner.run(self._in_loop(attempt), context=copy_context())
        return copy_context().run(invoke.run, attempt, self._reporter)

    def _definition(self, reference: str, kind: str) -> tuple[Definition, bool]:
        known = self._known.get((reference, kind))
        if known is None:
            definition = declare(kind, function_at(reference))
            known = self._known[reference, kind] = definition, is_asynchronous(definition.function)
            self._plans[kind] = definition.plan
        return known

    def _take(self, number: int, attempt: ChildAttempt) -> bool:
        """Let it be the one that is asked to end from now on; False when it was already."""
        with self._turn:
            self._number, self._attempt, self._task = number, attempt, None
            return self._asked is None or self._asked.number != number

    async def _in_loop(self, attempt: ChildAttempt) -> Returned | Failed:
        with self._turn:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            if attempt.interruption is not None and self._task is not None:
                self._task.cancel()
        return await invoke.run_async(attempt, self._reporter)

    # ---- beside it ---------------------------------------------------------------------------

    def _listen(self) -> None:
        while True:
            try:
                asked = DECODE_ASKED(self._asks.recv_bytes())
            except (EOFError, OSError):
                os._exit(_EXIT_ORPHANED)
            with self._turn:
                self._asked = asked
                if self._attempt is not None and self._number == asked.number:
                    self._attempt.interrupt(asked.why)
                    if self._task is not None and self._loop is not None:
                        self._loop.call_soon_threadsafe(self._task.cancel)

    def _put_line(self, line: LogRecord) -> None:
        """Pass on what the running task logs; what it left running may log after it, and is nobody's."""
        attempt = self._attempt
        if (
            attempt is not None
            and not self._forked
            and (attempt.claim.record.id, attempt.claim.token) == (line.id, line.token)
        ):
            self._say(Line(line.level, line.message, line.progress))

    def _say(self, message: FromChild) -> None:
        if self._forked:  # the job returned here, too; the child itself answers
            os._exit(_EXIT_FORKED)
        data = ENCODE(message)
        try:
            with self._saying:
                self._channel.send(data)
        except OSError:
            os._exit(_EXIT_ORPHANED)


def _named(reference: str) -> Callable[..., Any]:
    module, _, name = reference.partition(":")
    return cast("Callable[..., Any]", getattr(importlib.import_module(module), name))


async def _bounded(coroutine: Coroutine[Any, Any, T], timeout_s: float | None) -> T:
    return await asyncio.wait_for(coroutine, timeout_s)
