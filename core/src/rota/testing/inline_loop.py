"""The event loop of inline jobs: its timers go by the clock of the test."""

import asyncio
import selectors
from asyncio import Future
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TypeVar, TypeVarTuple

from rota.testing.inline_clock import InlineClock

__all__ = ["InlineLoop", "off_loop"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class InlineLoop(asyncio.SelectorEventLoop):
    """When nothing is ready and a timer is next, time passes at once. While something outside is awaited (a thread of
    `asyncio.to_thread`, a socket) it waits for that in real time, as any loop does."""

    def __init__(self, clock: InlineClock) -> None:
        self._test_clock = clock
        self._threads = 0
        self._waiting = _PassingSelector(clock, self._awaits_outside)
        super().__init__(self._waiting)

    def time(self) -> float:
        """Seconds of the test's clock."""
        return self._test_clock.monotonic()

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> "Future[T]":
        """As in asyncio; noted until it has ended."""
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _: object) -> None:
        self._threads -= 1

    def _awaits_outside(self) -> bool:
        return self._threads > 0 or len(self._waiting.get_map()) > 1  # one is the loop's own, to be woken by


class _PassingSelector(selectors.DefaultSelector):
    def __init__(self, clock: InlineClock, awaits_outside: Callable[[], bool]) -> None:
        super().__init__()
        self._clock = clock
        self._awaits_outside = awaits_outside

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        found = super().select(timeout if self._awaits_outside() else 0)
        if not found:
            self._clock.pass_time(timeout)
        return found


@contextmanager
def off_loop() -> Iterator[None]:
    """Let this thread look as if it ran no event loop, which stands still meanwhile."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)
