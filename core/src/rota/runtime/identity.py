"""Who a worker is to the store: an id, spent once its lease was lost, and the number of its next claim."""

import os
import platform
from collections.abc import Callable
from threading import Lock

__all__ = ["Identity"]


class Identity:
    """The worker's present id. A reaped worker goes on under a new one."""

    def __init__(self, fresh: Callable[[], str]) -> None:
        self._fresh = fresh
        self._lock = Lock()
        self.worker = self._make()
        self.seq = 1

    def _make(self) -> str:
        return f"{platform.node() or 'host'}-{os.getpid()}-{self._fresh()[-8:]}"

    def renew(self, lost: str) -> bool:
        """Take a new id when `lost` is the present one; False when that was done already."""
        with self._lock:
            if lost != self.worker:
                return False
            self.worker, self.seq = self._make(), 1
            return True
