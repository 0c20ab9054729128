"""Blocked calls: they look, wait for the doorbell, and look again, until answered, ended or over their time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Final, Protocol, TypeVar

from rota.model.clock import Clock
from rota.store.forks import watch_forks

__all__ = ["Bell", "Calls", "mono_ms"]

T = TypeVar("T")

_MAX_PENDING: Final = 1000  # interrupts kept for names that have no blocked call yet


class Bell(Protocol):
    """What blocked calls wait for: a `Doorbell`, or whatever a store has instead of one."""

    @property
    def condition(self) -> Condition:
        """What waits are notified on."""
        ...

    def count(self, topics: int) -> int:
        """How often it has rung for any of these topics."""
        ...

    def wait(self, clock: Clock, topics: int, seen: int, timeout_s: float, ended: Callable[[], bool]) -> None:
        """Return once `count(topics)` is another than `seen`, once `ended()`, or after `timeout_s` of the clock."""
        ...


def mono_ms(clock: Clock) -> int:
    """The monotonic clock in whole milliseconds."""
    return round(clock.monotonic() * 1000)


class _Call:
    """One blocked call; `ended`: interrupted, or its store was closed (`closed`)."""

    __slots__ = ("closed", "ended", "name", "session")

    def __init__(self, name: tuple[str, str], session: object) -> None:
        self.name = name
        self.session = session
        self.ended = False
        self.closed = False


class Calls:
    """The blocked calls of this process on one backend. A name is that of a worker or waiter, with its namespace."""

    def __init__(self, doorbell: Bell) -> None:
        self._doorbell = doorbell
        self._blocked: set[_Call] = set()
        self._pending: dict[tuple[str, str], None] = {}
        watch_forks(self)

    def until(
        self,
        look: Callable[[], tuple[T, int | None]],
        enough: Callable[[T], object],
        *,
        clock: Clock,
        topics: int,
        name: tuple[str, str],
        session: object,
        timeout_ms: int,
    ) -> T:
        """What `look` finds once that is `enough`, or when `timeout_ms` are over or the call is ended. `look` also says
        in how many milliseconds time alone may bring something."""
        deadline_ms = mono_ms(clock) + timeout_ms
        with self._entered(name, session) as call:
            while True:
                seen = self._doorbell.count(topics)
                found, due_ms = look()
                left_ms = deadline_ms - mono_ms(clock)
                if enough(found) or left_ms <= 0 or call.ended:
                    return found
                if due_ms is not None:
                    left_ms = min(left_ms, max(due_ms, 1))
                self._doorbell.wait(clock, topics, seen, left_ms / 1000, lambda: call.ended)
                if call.closed:
                    return found  # to look once more would connect again

    @contextmanager
    def _entered(self, name: tuple[str, str], session: object) -> Iterator[_Call]:
        call = _Call(name, session)
        with self._doorbell.condition:
            if name in self._pending:
                del self._pending[name]
                call.ended = True
            self._blocked.add(call)
        try:
            yield call
        finally:
            with self._doorbell.condition:
                self._blocked.discard(call)

    def interrupt(self, name: tuple[str, str]) -> None:
        """End the blocked calls of that name, or its next one when there is none."""
        if not name[1]:
            return
        with self._doorbell.condition:
            found = [call for call in self._blocked if call.name == name]
            self._end(found)
            if not found:
                self._pending[name] = None
                if len(self._pending) > _MAX_PENDING:
                    del self._pending[next(iter(self._pending))]

    def end_session(self, session: object) -> None:
        """End every blocked call made through one connection."""
        with self._doorbell.condition:
            found = [call for call in self._blocked if call.session is session]
            for call in found:
                call.closed = True
            self._end(found)

    def before_fork(self) -> None:
        """Nothing to let go of: the doorbell keeps other threads out."""

    def after_fork(self, *, in_child: bool) -> None:
        """Forget, in the child, what the threads of the parent wait for."""
        if in_child:
            self._blocked.clear()
            self._pending.clear()

    def _end(self, calls: list[_Call]) -> None:
        for call in calls:
            call.ended = True
        self._doorbell.condition.notify_all()
