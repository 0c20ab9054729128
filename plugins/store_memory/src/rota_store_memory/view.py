"""One namespace of a hub, as one connection sees it: what the operations of the contract have in common."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from rota.model.clock import Clock
from rota_store_memory.hub import Hub
from rota_store_memory.waiting import Place, monotonic_ms

__all__ = ["View"]

_T = TypeVar("_T")


class View:
    """The namespace, the lock it is used under, the clock, and the session that `close` ends the calls of."""

    __slots__ = ("_clock", "_hub", "_lock", "_session", "_space")

    def __init__(self, hub: Hub, namespace: str, clock: Clock, session: object = None) -> None:
        self._hub = hub
        self._lock = hub.lock
        self._space = hub.space(namespace)
        self._clock = clock
        self._session = session or object()

    def _until(
        self,
        look: Callable[[], _T],
        place: Place,
        keys: Sequence[str],
        name: str,
        timeout_ms: int,
        enough: Callable[[_T], object],
    ) -> _T:
        """What `look` finds once that is `enough`, or when `timeout_ms` are over or the call is ended."""
        found = look()
        if enough(found) or timeout_ms <= 0:
            return found
        deadline_ms = monotonic_ms(self._clock) + timeout_ms
        with self._space.waiters.blocked(name, self._session) as waiter:
            called = True
            while called and not enough(found):
                called = place.sleep(waiter, keys, self._clock, deadline_ms)
                found = look()
        return found
