"""Runs coroutine functions as tasks of one event loop, in a thread of its own."""

from __future__ import annotations

from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from rota.runtime.attempt import Attempt
from rota.runtime.executor import ExecutorHost

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Coroutine

__all__ = ["EventLoopExecutor"]

T = TypeVar("T")

_JOIN_S: Final = 5.0


class EventLoopExecutor:
    """One task an attempt. `call` runs other coroutines in the same loop, the lifespan for one."""

    capabilities: frozenset[Literal["cancel", "kill"]] = frozenset({"cancel"})

    def __init__(self, host: ExecutorHost) -> None:
        self._host = host
        self._lock = Lock()
        self._loop: AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._tasks: set[Task[None]] = set()

    def start(self) -> None:
        """The loop is made by the first `submit` or `call`."""

    @property
    def loop(self) -> AbstractEventLoop:
        """The loop, running."""
        with self._lock:
            if self._loop is None:
                import asyncio

                self._loop = asyncio.new_event_loop()
                self._thread = Thread(target=self._loop.run_forever, name="rota-loop", daemon=True)
                self._thread.start()
            return self._loop

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for it; not from the loop's own thread."""
        import asyncio

        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def submit(self, attempt: Attempt) -> None:
        """Run it as a task."""
        self.loop.call_soon_threadsafe(self._begin, attempt)

    def _begin(self, attempt: Attempt) -> None:
        task = self.loop.create_task(self._run(attempt))
        attempt.handle = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, attempt: Attempt) -> None:
        outcome = await self._host.run_async(attempt)
        _, following = self._host.finish(attempt, outcome)
        if following is not None:  # a task of its own: neither context nor cancellation carries over
            self._begin(following)

    def cancel(self, attempt: Attempt, force: bool) -> None:
        """Raise CancelledError in the task, at its next await."""
        if self._loop is not None and attempt.handle is not None:
            self._loop.call_soon_threadsafe(attempt.handle.cancel)

    def stop(self) -> None:
        """Cancel what still runs, and end the loop and its thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        import asyncio

        closing = asyncio.run_coroutine_threadsafe(self._close(), loop)
        try:
            closing.result(_JOIN_S)
        except TimeoutError:
            return  # a coroutine blocks the loop: the thread is left to it
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_JOIN_S)
        loop.close()

    async def _close(self) -> None:
        import asyncio

        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_JOIN_S / 2)
        loop = asyncio.get_running_loop()
        await loop.shutdown_asyncgens()
        await loop.shutdown_default_executor()
