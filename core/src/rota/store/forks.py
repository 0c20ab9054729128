"""What must not be carried across a fork is let go of before it, and taken up anew on both sides.

A lock that another thread holds at a fork is held for ever in the child; an open file or database belongs to two
processes afterwards, of which neither knows of the other.
"""

import os
from threading import RLock
from typing import Final, Protocol
from weakref import WeakSet

__all__ = ["Forking", "watch_forks"]


class Forking(Protocol):
    """What is told of forks, by the thread that forks. Nothing of it may raise."""

    def before_fork(self) -> None:
        """Let go of what can't be carried across, and keep every other thread from taking it up again."""
        ...

    def after_fork(self, *, in_child: bool) -> None:
        """Let the other threads go on; in the child there are none, and what they were in the midst of is gone."""
        ...


def watch_forks(one: Forking) -> None:
    """Tell `one` of every fork of this process from now on, for as long as anything else holds it; of those that a
    library makes past Python it hears nothing."""
    _forks.add(one)


class _Forks:
    """The hooks of this process: those of Python can't be taken back, so they are set once, for all who watch."""

    def __init__(self) -> None:
        self._lock = RLock()  # held throughout a fork: who comes new waits for its end
        self._watching: WeakSet[Forking] = WeakSet()
        self._told: list[Forking] = []
        self._set = False

    def add(self, one: Forking) -> None:
        with self._lock:
            self._watching.add(one)
            if not self._set and hasattr(os, "register_at_fork"):
                os.register_at_fork(before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child)
                self._set = True

    def _before(self) -> None:
        self._lock.acquire()
        self._told = list(self._watching)
        for one in self._told:
            one.before_fork()

    def _in_parent(self) -> None:
        told, self._told = self._told, []
        for one in told:
            one.after_fork(in_child=False)
        self._lock.release()

    def _in_child(self) -> None:
        self._lock = RLock()
        told, self._told = self._told, []
        for one in told:
            one.after_fork(in_child=True)


# Module state, since forks are the process's: it holds nothing alive.
_forks: Final = _Forks()
