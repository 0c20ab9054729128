"""Runs coroutine functions as tasks of one event loop, in a thread of its own."""

from __future__ import annotations

import logging
from contextlib import suppress
from contextvars import Context
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from rota.runtime.attempt import Attempt
from rota.runtime.executor import ExecutorHost

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Coroutine

__all__ = ["EventLoopExecutor"]

T = TypeVar("T")

_log = logging.getLogger("rota.worker")

_JOIN_S: Final = 5.0


class EventLoopExecutor:
    """One task an attempt. `call` runs other coroutines in the same loop, the lifespan for one."""

    capabilities: frozenset[Literal["cancel", "kill"]] = frozenset({"cancel"})

    def __init__(self, host: ExecutorHost) -> None:
        self._host = host
        self._lock = Lock()
        self._loop: AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._tasks: set[Task[None]] = set()  # asyncio itself holds tasks weakly
        self._closed = False
        self._stopped = Event()  # the loop is closed, or left to tasks that do not end

    def start(self) -> None:
        """The loop is made by the first `submit` or `call`."""

    @property
    def loop(self) -> AbstractEventLoop:
        """The loop, running."""
        with self._lock:
            if self._loop is None:
                import asyncio

                self._loop = asyncio.new_event_loop()
                self._thread = Thread(target=self._serve, args=(self._loop,), name="rota-loop", daemon=True)
                self._thread.start()
            return self._loop

    def _serve(self, loop: AbstractEventLoop) -> None:
        while not self._closed:
            try:
                loop.run_forever()
            except BaseException:  # noqa: BLE001 - asyncio lets SystemExit and KeyboardInterrupt of any task through
                _log.exception("a task of a job's own raised out of the event loop, which goes on")
        loop.close()
        self._stopped.set()

    def call(self, coroutine: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Run a coroutine in the loop and wait for it; not from the loop's own thread. Raises TimeoutError."""
        import asyncio

        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout_s)

    def submit(self, attempt: Attempt) -> None:
        """Run it as a task."""
        self.loop.call_soon_threadsafe(self._begin, attempt)

    def _begin(self, attempt: Attempt) -> None:
        task = self.loop.create_task(self._run(attempt), context=Context())
        attempt.handle = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, attempt: Attempt) -> None:
        outcome = await self._host.run_async(attempt)
        _, following = self._host.finish(attempt, outcome)
        if following is not None:  # a task of its own: no cancellation carries over
            self._begin(following)

    def cancel(self, attempt: Attempt, force: bool) -> None:
        """Raise CancelledError in the task, at its next await."""
        if self._loop is not None and attempt.handle is not None:
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(attempt.handle.cancel)

    def stop(self) -> None:
        """Cancel what still runs, and end the loop and its thread. While a coroutine blocks the loop, or does not end
        when it is canceled, that can't be: both are left to it, and are no reason for the program not to end."""
        with self._lock:
            loop, thread, self._thread = self._loop, self._thread, None
        if loop is None or thread is None:
            return
        import asyncio

        asyncio.run_coroutine_threadsafe(self._close(), loop)
        if self._stopped.wait(_JOIN_S) and loop.is_closed():
            thread.join(_JOIN_S)

    async def _close(self) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}  # those that a job began and left, too
        for task in tasks:
            task.cancel()
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=_JOIN_S / 2)
            if left:  # the loop stays open for them: torn from it, they could keep the program from ending
                self._stopped.set()
                await asyncio.wait(left)
        await loop.shutdown_asyncgens()
        await loop.shutdown_default_executor()
        self._closed = True
        loop.stop()
