"""What all views of one connection share: who is blocked, and who listens for them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Condition
from typing import Final

from rota.model.clock import Clock
from rota.model.errors import ConfigError
from rota.store.blocking import Calls
from rota.store.kv.watch import Watch
from rota.store.ordered_kv import OrderedKV

__all__ = ["Hub"]

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_LATE_S: Final = 0.05
_DEAF_S: Final = 0.25  # how often to look where the backend does not wake


class Hub:
    """One connection. It is the bell of the blocked calls: a topic is the number of a set of prefixes.

    It belongs to the process that made it: in a forked child nobody listens, and the connection is the parent's.
    """

    def __init__(self, kv: OrderedKV, name: str = "this store") -> None:
        self.kv = kv
        self.name = name  # as messages call it
        self.condition = Condition()
        self.calls = Calls(self)
        self.boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        self.seen: dict[bytes, tuple[int, int]] = {}  # beats of workers: revision, and since when, by our own clock
        self.windows: dict[str, int] = {}  # by namespace: among how many blocks a claim chooses after it met another
        self.claimers: dict[str, int] = {}  # by namespace: how many workers lived when that was last looked at
        self.skews: dict[tuple[str, str], int] = {}  # by namespace and worker: by how much the others' clocks are ahead
        self._pid = os.getpid()
        self._numbers = count()
        self._watches: dict[int, Watch] = {}
        self._topics: dict[tuple[bytes, ...], int] = {}

    def refuse_child(self) -> None:
        """Raise ConfigError in a process forked from the one that made this hub."""
        if self._pid != os.getpid():
            raise ConfigError(
                f"this store was connected in process {self._pid} and is used in {os.getpid()}, forked from it: the "
                "connection is the parent's; open a store in the child, or give Manager a URL"
            )

    @contextmanager
    def listening(self, prefixes: tuple[bytes, ...]) -> Iterator[int]:
        """The topic of these prefixes, listened to meanwhile. Raises: StoreUnavailable."""
        with self.condition:
            topic = self._topics.get(prefixes)
            if topic is None:
                topic = self._topics[prefixes] = next(self._numbers)
                self._watches[topic] = Watch(self.kv, prefixes, self.condition)
            watch = self._watches[topic]
            watch.waiting += 1
        try:
            watch.listen()
            yield topic
        finally:
            with self.condition:
                watch.waiting -= 1
                self._tidy()

    def _tidy(self) -> None:
        for prefixes, topic in list(self._topics.items()):
            if self._watches[topic].is_idle:
                del self._watches[topic], self._topics[prefixes]

    def count(self, topics: int) -> int:
        """How often something was put that may concern a blocked call."""
        return self._watches[topics].rung

    def wait(self, clock: Clock, topics: int, seen: int, timeout_s: float, ended: Callable[[], bool]) -> None:
        """As `Bell.wait` says."""
        with self.condition:
            if self._watches[topics].rung == seen and not ended():
                clock.wait(self.condition, timeout_s if self.kv.push else min(timeout_s, _DEAF_S))

    def close(self) -> None:
        """End the threads and the connection. Nothing in a forked child."""
        if self._pid != os.getpid():
            return
        with self.condition:
            threads = [thread for watch in self._watches.values() if (thread := watch.end()) is not None]
            self._topics = {}
        self.kv.close()
        for thread in threads:
            while thread.is_alive():
                thread.join(_LATE_S)
                self.kv.close()  # it may have begun to wait after the first
