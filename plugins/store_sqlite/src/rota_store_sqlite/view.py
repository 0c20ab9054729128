"""One namespace of a file, as one connection sees it: what the operations of the contract have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from rota.model.clock import Clock
from rota.store.blocking import mono_ms
from rota_store_sqlite.changes import write_changes
from rota_store_sqlite.hub import Hub
from rota_store_sqlite.lanes import settle_lanes
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step

__all__ = ["View"]

T = TypeVar("T")

_NAMESPACE: Final = statements("namespace")


class View:
    """The file, the namespace, the clock, and the session whose blocked calls `close` ends."""

    __slots__ = ("_clock", "_hub", "_name", "_session")

    def __init__(self, hub: Hub, namespace: str, clock: Clock, session: object = None) -> None:
        self._hub = hub
        self._name = namespace
        self._clock = clock
        self._session = session or object()

    @contextmanager
    def _changing(self) -> Iterator[Step]:
        """A step that writes: all of it or nothing; afterwards whoever may be waiting for it is called."""
        with self._hub.database.write() as connection:
            found = connection.execute(_NAMESPACE["find"], (self._name,)).fetchone()
            if found is None:
                connection.execute(_NAMESPACE["add"], (self._name,))
                found = connection.execute(_NAMESPACE["find"], (self._name,)).fetchone()
            step = Step(connection, found[0], self._clock.now_ms(), mono_ms(self._clock))
            step.follow()
            yield step
            settle_lanes(step)
            step.flush()
            step.write_counts()
            write_changes(step)
        if step.rings:
            self._hub.doorbell.ring(step.rings)

    @contextmanager
    def _reading(self) -> Iterator[Step]:
        """A step that reads, and sees one moment. A namespace that was never written is empty."""
        with self._hub.database.read() as connection:
            found = connection.execute(_NAMESPACE["find"], (self._name,)).fetchone()
            yield Step(connection, 0 if found is None else found[0], self._clock.now_ms(), mono_ms(self._clock))

    def _until(
        self,
        look: Callable[[], tuple[T, int | None]],
        enough: Callable[[T], object],
        topics: int,
        timeout_ms: int,
        name: str = "",
    ) -> T:
        """What `look` finds once that is `enough`, or when `timeout_ms` are over or the call is ended."""
        found, _ = look()
        if enough(found) or timeout_ms <= 0:
            return found
        return self._hub.calls.until(
            look, enough, clock=self._clock, topics=topics, name=(self._name, name), session=self._session,
            timeout_ms=timeout_ms,
        )  # fmt: skip
