"""A lock that survives a fork."""

import os
from threading import Lock

__all__ = ["ProcessLock"]


class ProcessLock:
    """A lock, for `with`, that a forked child finds free. A plain one stays locked there for ever when another
    thread of the parent held it at the fork: that thread does not exist in the child."""

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, Lock] = {}  # by process id

    def __enter__(self) -> None:
        self._locks.setdefault(os.getpid(), Lock()).acquire()

    def __exit__(self, *exception: object) -> None:
        self._locks[os.getpid()].release()
