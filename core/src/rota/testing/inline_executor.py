"""Runs every job in the thread that submits it, whatever executor it names."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final, Literal

from rota.jobs.blocking import on_event_loop
from rota.jobs.functions import is_asynchronous
from rota.runtime.attempt import Attempt
from rota.runtime.executor import ExecutorHost
from rota.testing.inline_clock import InlineClock

if TYPE_CHECKING:
    from asyncio import Task

    from rota.testing.inline_loop import InlineLoop

__all__ = ["InlineExecutor", "plainly"]

_log = logging.getLogger("rota.worker")

_LISTEN_S: Final = 5.0


class InlineExecutor:
    """A `def` has ended when `submit` returns. So has an `async def`, on a private loop; but submitted there, for one
    that awaits it, it is a task of that loop. `tell` is called before each; `ran` are the instances that came, in
    order."""

    capabilities: frozenset[Literal["cancel", "kill"]] = frozenset({"cancel"})

    def __init__(self, host: ExecutorHost, clock: InlineClock, tell: Callable[[], None]) -> None:
        self._host = host
        self._clock = clock
        self._tell = tell
        self._loop: InlineLoop | None = None
        self.ran: dict[str, None] = {}
        self.tasks: dict[Task[None], Attempt] = {}

    def start(self) -> None:
        """The loop is made by the first coroutine."""

    @property
    def loop(self) -> InlineLoop:
        """The private loop."""
        if self._loop is None:
            from rota.testing.inline_loop import InlineLoop

            self._loop = InlineLoop(self._clock)
        return self._loop

    @property
    def runs_this_loop(self) -> bool:
        """True inside a task of the private loop."""
        import asyncio

        return self._loop is not None and on_event_loop() and asyncio.get_running_loop() is self._loop

    def call(self, coroutine: Coroutine[Any, Any, Any], timeout_s: float | None = None) -> Any:
        """Run a coroutine of the lifespan to its end, however long that takes."""
        if not on_event_loop():
            return self.loop.run_until_complete(coroutine)
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as beside:  # a thread runs one loop at a time, and here another one runs
            return beside.submit(self.loop.run_until_complete, coroutine).result()

    def submit(self, attempt: Attempt) -> None:
        """Run it, in a context of its own."""
        self.ran.setdefault(attempt.claim.record.id)
        self._tell()
        if is_asynchronous(attempt.definition.function):
            self._begin(attempt)
        else:
            plainly(lambda: self._run(attempt))

    def _run(self, attempt: Attempt) -> None:
        self._host.finish(attempt, Context().run(self._host.run, attempt))

    def _begin(self, attempt: Attempt) -> None:
        task = self.loop.create_task(self._arun(attempt), context=Context())
        attempt.handle = task
        self.tasks[task] = attempt
        task.add_done_callback(self.tasks.pop)
        while not self.loop.is_running() and not task.done():
            try:
                self.loop.run_until_complete(task)
            except SystemExit:  # asyncio lets that of any task through
                _log.exception("a task of a job's own raised out of the event loop, which goes on")

    async def _arun(self, attempt: Attempt) -> None:
        self._host.finish(attempt, await self._host.run_async(attempt))

    def cancel(self, attempt: Attempt, force: bool) -> None:
        """Raise CancelledError in a task; a function is asked through its context alone."""
        if attempt.handle is not None:
            with suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(attempt.handle.cancel)

    def stop(self) -> None:
        """Cancel what jobs began and left, and close the loop. Idempotent."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        self._loop = loop
        self.call(_left_to_itself())
        self._loop = None
        loop.close()


def plainly(function: Callable[[], object]) -> None:
    """Call a plain function as in a thread where no event loop runs; one that does stands still meanwhile."""
    if not on_event_loop():
        function()
        return
    from rota.testing.inline_loop import off_loop

    with off_loop():
        function()


async def _left_to_itself() -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_LISTEN_S)  # of the test's clock
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()
