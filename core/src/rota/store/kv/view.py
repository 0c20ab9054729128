"""One namespace as one client sees it: steps that are begun again on a conflict, and blocked calls."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Condition, Thread
from typing import Final, TypeVar

from rota.model.clock import Clock
from rota.model.errors import StoreUnavailable
from rota.store.blocking import Calls, mono_ms
from rota.store.kv.keys import Keys
from rota.store.kv.step import Conflict, Step
from rota.store.ordered_kv import OrderedKV

__all__ = ["Hub", "View"]

T = TypeVar("T")
_TRIES: Final = 200
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_WATCH_MS: Final = 5_000
_DEAF_S: Final = 0.25


class Hub:
    """What all views of one connection share: who is blocked, and the thread that listens for them."""

    def __init__(self, kv: OrderedKV) -> None:
        self.kv = kv
        self.condition = Condition()
        self.calls = Calls(self)
        self.boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        self.seen: dict[bytes, tuple[int, int]] = {}  # beats of workers: revision, and since when, by our own clock
        self._rung = 0
        self._watching: Thread | None = None
        self._ended = False

    def count(self, topics: int) -> int:
        """How often something was put that may concern a blocked call."""
        return self._rung

    def wait(self, clock: Clock, topics: int, seen: int, timeout_s: float, ended: Callable[[], bool]) -> None:
        """As `Bell.wait` says."""
        with self.condition:
            if self._rung == seen and not ended():
                clock.wait(self.condition, timeout_s if self.kv.push else min(timeout_s, _DEAF_S))

    def watch(self) -> None:
        """Listen from now on, when nobody does yet."""
        with self.condition:
            if self._watching is not None:
                return
            self._ended = False
            revision, _, _ = self.kv.read((), ())
            self._watching = Thread(target=self._listen, args=(revision,), name="rota-kv-watch", daemon=True)
            self._watching.start()

    def _listen(self, revision: int) -> None:
        while not self._ended:
            try:
                heard = self.kv.wait([b""], revision, _WATCH_MS)
            except StoreUnavailable:
                with self.condition:  # who is blocked looks, and raises
                    self._rung += 1
                    self.condition.notify_all()
                    if not self._ended:
                        self.condition.wait(_DEAF_S)
                continue
            if heard != revision:
                revision = heard
                with self.condition:
                    self._rung += 1
                    self.condition.notify_all()

    def close(self) -> None:
        """End the thread and the connection."""
        with self.condition:
            self._ended = True
            watching, self._watching = self._watching, None
            self.condition.notify_all()
        self.kv.close()
        if watching is not None:
            watching.join()


class View:
    """The connection, the namespace, the clock, and the session whose blocked calls `close` ends."""

    __slots__ = ("_clock", "_hub", "_keys", "_name", "_session", "_shard")

    def __init__(self, hub: Hub, namespace: str, clock: Clock, session: object = None) -> None:
        self._hub = hub
        self._name = namespace
        self._keys = Keys(namespace)
        self._clock = clock
        self._session = session or object()
        self._shard = (os.getpid() ^ (id(hub) >> 6)) & 15

    def _step(self) -> Step:
        return Step(self._hub.kv, self._keys, self._hub.kv.now_ms(), mono_ms(self._clock), self._shard)

    def _change(self, apply: Callable[[Step], T]) -> tuple[T, int]:
        """What `apply` answers in a step that was committed, and the revision. Raises: StoreUnavailable."""
        for _ in range(_TRIES):
            step = self._step()
            found = apply(step)
            try:
                return found, step.commit()
            except Conflict:
                continue
        raise StoreUnavailable(f"namespace {self._name!r}: {_TRIES} commits in a row met others; repeat the call")

    def _until(
        self, look: Callable[[], tuple[T, int | None]], enough: Callable[[T], object], timeout_ms: int, name: str = ""
    ) -> T:
        """What `look` finds once that is `enough`, or when `timeout_ms` are over or the call is ended."""
        found, _ = look()
        if enough(found) or timeout_ms <= 0:
            return found
        self._hub.watch()
        return self._hub.calls.until(
            look, enough, clock=self._clock, topics=1, name=(self._name, name), session=self._session,
            timeout_ms=timeout_ms,
        )  # fmt: skip
