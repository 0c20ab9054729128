"""Waiting for instances to end: one at a time in the caller's thread, any number in one shared thread."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

from rota.model.clock import Clock
from rota.model.errors import StoreError
from rota.model.ids import id_to_uuid
from rota.model.process_lock import ProcessLock
from rota.store.contract import MAX_BATCH, MAX_WAIT_MS, Store

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

__all__ = ["Finals"]

_LONGEST_MS: Final = MAX_WAIT_MS
_TURN_MS: Final = 50


class Finals:
    """Waits on `Store.await_final`. `name` is the waiter that is interrupted when more is to be waited for."""

    def __init__(self, store: Callable[[], Store], clock: Clock, name: str) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._lock = ProcessLock()
        self._pending: dict[str, list[tuple[AbstractEventLoop, Future[None]]]] = {}
        self._thread: Thread | None = None
        self._nudged = False  # the thread is told already that it is to look again

    def wait(self, instance_id: str, timeout_s: float | None) -> None:
        """Block until it is final or gone. Raises TimeoutError."""
        store, monotonic = self._store(), self._clock.monotonic
        deadline = None if timeout_s is None else monotonic() + timeout_s
        while True:
            left_ms = _LONGEST_MS if deadline is None else round((deadline - monotonic()) * 1000)
            if store.await_final([instance_id], max(0, min(left_ms, _LONGEST_MS))):
                return
            if left_ms <= 0:
                raise not_ended(instance_id, timeout_s)

    async def await_(self, instance_id: str, timeout_s: float | None) -> None:
        """The same, holding no thread: all that wait share one. Raises TimeoutError."""
        import asyncio

        loop = asyncio.get_running_loop()
        future: Future[None] = loop.create_future()
        self._add(instance_id, loop, future)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            raise not_ended(instance_id, timeout_s) from None
        finally:
            self._forget(instance_id, loop, future)

    def _add(self, instance_id: str, loop: AbstractEventLoop, future: Future[None]) -> None:
        with self._lock:
            self._pending.setdefault(instance_id, []).append((loop, future))
            if self._thread is None or not self._thread.is_alive():  # in a forked child it is not
                self._thread = Thread(target=self._watch, name="rota-finals", daemon=True)
                self._thread.start()
                return
        self._nudge(loop)

    def _forget(self, instance_id: str, loop: AbstractEventLoop, future: Future[None]) -> None:
        with self._lock:
            waiting = self._pending.get(instance_id)
            if waiting is None:  # told already
                return
            waiting[:] = [one for one in waiting if one[1] is not future]
            if waiting:
                return
            del self._pending[instance_id]
        self._nudge(loop)

    def _nudge(self, loop: AbstractEventLoop) -> None:
        """Let the shared thread look again: once for all that come before it does. The store may take its time to
        answer, so that is done beside the loop."""
        with self._lock:
            if self._nudged:
                return
            self._nudged = True
        try:
            loop.run_in_executor(None, self._interrupt)
        except RuntimeError:  # the loop is closed: nobody waits there
            self._interrupt()

    def _interrupt(self) -> None:
        with suppress(StoreError):  # it looks again by itself, after `_LONGEST_MS`
            self._store().interrupt(self._name)

    def _watch(self) -> None:
        """The shared thread; it ends when nobody waits."""
        while True:
            with self._lock:
                self._nudged = False
                ids = list(self._pending)
                if not ids:
                    self._thread = None
                    return
            try:
                ended = self._ended(ids)
            except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
                self._tell(ids, error)
            else:
                self._tell(ended, None)

    def _ended(self, ids: list[str]) -> list[str]:
        """Those that are final, as soon as there is one. More than one call can take are asked for in turns."""
        if len(ids) <= MAX_BATCH:
            return self._store().await_final(ids, _LONGEST_MS, self._name)
        return [
            instance_id
            for start in range(0, len(ids), MAX_BATCH)
            for instance_id in self._store().await_final(ids[start : start + MAX_BATCH], _TURN_MS, self._name)
        ]

    def _tell(self, ids: list[str], error: Exception | None) -> None:
        with self._lock:
            waiting = [one for instance_id in ids for one in self._pending.pop(instance_id, [])]
        for loop, future in waiting:
            with suppress(RuntimeError):  # its loop was closed: nobody waits there
                loop.call_soon_threadsafe(_resolve, future, error)


def _resolve(future: Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def not_ended(instance_id: str, timeout_s: float | None) -> TimeoutError:
    """The error of a wait that was too short."""
    return TimeoutError(f"instance {id_to_uuid(instance_id)} has not ended within {timeout_s} s")
