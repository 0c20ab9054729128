"""Blocked calls: one condition each, all on the lock of the hub, woken one by one.

A call that finds nothing to answer sleeps at a *place* under some keys, and is called when something
happened there; it then looks again. All waiting goes through the injected clock.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Condition, Lock
from typing import Final, Protocol

from rota.model.clock import Clock

__all__ = ["Place", "Waiter", "Waiters", "Watch", "monotonic_ms"]

#: Interrupts kept for names that have no blocked call yet; the oldest is forgotten first.
_MAX_PENDING: Final = 1000


def monotonic_ms(clock: Clock) -> int:
    """The monotonic clock in whole milliseconds, so that deadlines compare exactly."""
    return round(clock.monotonic() * 1000)


class Waiter:
    """One blocked call. `called`: the key under which something happened; `ended`: interrupted, or its store was
    closed."""

    __slots__ = ("called", "condition", "ended", "name", "session")

    def __init__(self, lock: Lock, name: str, session: object) -> None:
        self.name = name
        self.session = session
        self.condition = Condition(lock)
        self.called: str | None = None
        self.ended = False

    def sleeping(self) -> bool:
        """True while there is no reason to look again."""
        return self.called is None and not self.ended

    def call(self, key: str) -> None:
        """Make it look again, since something happened under `key`."""
        self.called = key
        self.condition.notify()

    def end(self) -> None:
        """Make it answer with what there is."""
        self.ended = True
        self.condition.notify()


class Place(Protocol):
    """Where blocked calls sleep."""

    def sleep(self, waiter: Waiter, keys: Sequence[str], clock: Clock, deadline_ms: int) -> bool:
        """Sleep under `keys`; True when called, False when ended or when `deadline_ms` has come."""
        ...


class Watch:
    """A place where everybody under a key is called at once."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, dict[Waiter, None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def call(self, key: str) -> None:
        """Call all under `key`. O(1) when there are none."""
        if self._waiting:
            for waiter in self._waiting.pop(key, ()):
                waiter.call(key)

    def sleep(self, waiter: Waiter, keys: Sequence[str], clock: Clock, deadline_ms: int) -> bool:
        """As in `Place`."""
        waiter.called = None
        for key in keys:
            self._waiting.setdefault(key, {})[waiter] = None
        try:
            while waiter.sleeping():
                left_ms = deadline_ms - monotonic_ms(clock)
                if left_ms <= 0:
                    return False
                clock.wait(waiter.condition, left_ms / 1000)
            return not waiter.ended
        finally:
            self._leave(waiter, keys)

    def _leave(self, waiter: Waiter, keys: Sequence[str]) -> None:
        for key in keys:
            there = self._waiting.get(key)
            if there is not None:
                there.pop(waiter, None)
                if not there:
                    del self._waiting[key]


class Waiters:
    """Everybody who is blocked in one namespace, by name, for `interrupt` and `close`."""

    __slots__ = ("_lock", "_names", "_pending")

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._names: dict[str, dict[Waiter, None]] = {}
        self._pending: dict[str, None] = {}

    def __len__(self) -> int:
        return sum(map(len, self._names.values()))

    @contextmanager
    def blocked(self, name: str, session: object) -> Iterator[Waiter]:
        """A waiter for the length of one blocked call; it has ended already when an interrupt was pending."""
        waiter = Waiter(self._lock, name, session)
        if name in self._pending:
            del self._pending[name]
            waiter.ended = True
        same_name = self._names.setdefault(name, {})
        same_name[waiter] = None
        try:
            yield waiter
        finally:
            del same_name[waiter]
            if not same_name and self._names.get(name) is same_name:
                del self._names[name]

    def interrupt(self, name: str) -> None:
        """End the blocked calls of `name`, or its next one when there is none."""
        if not name:
            return
        for waiter in self._names.get(name, ()):
            waiter.end()
        if name not in self._names:
            self._pending[name] = None
            if len(self._pending) > _MAX_PENDING:
                del self._pending[next(iter(self._pending))]

    def forget(self, name: str) -> None:
        """End the blocked calls of `name`, whose worker is gone, and drop an interrupt kept for it."""
        self._pending.pop(name, None)
        for waiter in self._names.get(name, ()):
            waiter.end()

    def end_session(self, session: object | None = None) -> None:
        """End the blocked calls made through one connection, or (None) all."""
        for same_name in self._names.values():
            for waiter in same_name:
                if session is None or waiter.session is session:
                    waiter.end()
