"""Who listens to a backend: one thread for each set of prefixes that blocked calls of this process wait for."""

from threading import Condition, Thread
from typing import Final

from rota.model.errors import StoreUnavailable
from rota.store.ordered_kv import OrderedKV

__all__ = ["Watch"]

_WATCH_MS: Final = 5_000
_DEAF_S: Final = 0.25


class Watch:
    """Counts how often something under its prefixes may have been put. Its thread lives while a call waits for it, and
    up to 5 s longer. `condition` is notified, and guards all that is here."""

    def __init__(self, kv: OrderedKV, prefixes: tuple[bytes, ...], condition: Condition) -> None:
        self.rung = 0
        self.waiting = 0
        self._kv = kv
        self._prefixes = prefixes
        self._condition = condition
        self._thread: Thread | None = None
        self._ended = False

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits and no thread listens."""
        return not self.waiting and self._thread is None

    def listen(self) -> None:
        """Listen from now on, when nobody does yet. Raises: StoreUnavailable."""
        with self._condition:
            if self._thread is not None:
                return
        revision, _, _ = self._kv.read((), ())
        with self._condition:
            if self._thread is None and not self._ended:
                self._thread = Thread(target=self._hear, args=(revision,), name="rota-kv-watch", daemon=True)
                self._thread.start()

    def _hear(self, revision: int) -> None:
        while self._wanted():
            try:
                heard = self._kv.wait(self._prefixes, revision, _WATCH_MS)
            except StoreUnavailable:  # who is blocked looks, and raises
                self._ring(pause=True)
                continue
            if heard != revision:
                revision = heard
                self._ring()

    def _wanted(self) -> bool:
        with self._condition:
            if self.waiting and not self._ended:
                return True
            self._thread = None
            return False

    def _ring(self, pause: bool = False) -> None:
        with self._condition:
            self.rung += 1
            self._condition.notify_all()
            if pause and not self._ended:
                self._condition.wait(_DEAF_S)

    def end(self) -> Thread | None:
        """Listen no more; the thread, which ends once the connection is closed."""
        with self._condition:
            self._ended = True
            self._condition.notify_all()
            return self._thread
