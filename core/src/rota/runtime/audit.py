"""Compares what the store says a worker holds with what it runs, and gives back what is stranded."""

from collections.abc import Callable, Sequence
from typing import Final

from rota.model.clock import Clock
from rota.model.query import InstanceFilter
from rota.model.records import Ending, Outcome, Snapshot
from rota.model.state import State
from rota.runtime.identity import Identity
from rota.store.contract import MAX_BATCH, Store

__all__ = ["Audit"]

_EVERY_S: Final = 60.0


class Audit:
    """Once a minute. What stands PROCESSING under this worker's name, unknown here in two audits on end,
    goes back to the queue: a fault lost it, and nothing else would ever end it while the worker lives."""

    def __init__(self, identity: Identity, held: Callable[[], Sequence[str]], clock: Clock) -> None:
        self._identity = identity
        self._held = held
        self._clock = clock
        self._done_at = clock.monotonic()
        self._suspects: set[tuple[str, int]] = set()

    def step(self, store: Store) -> None:
        """Audit, when a minute has gone by."""
        now = self._clock.monotonic()
        if now - self._done_at < _EVERY_S:
            return
        self._done_at = now
        stranded = self._stranded(store)
        again = {one for one in stranded if one in self._suspects}
        self._suspects = stranded - again
        if again:
            store.settle([Outcome(one, token, Ending.RELEASED, reason="released") for one, token in sorted(again)])

    def _stranded(self, store: Store) -> set[tuple[str, int]]:
        query = InstanceFilter(worker=self._identity.worker, states=frozenset({State.PROCESSING}))
        found: list[Snapshot] = []
        page = store.find(query, None, MAX_BATCH)
        found.extend(page.items)
        while page.cursor is not None:
            page = store.find(query, page.cursor, MAX_BATCH)
            found.extend(page.items)
        held = set(self._held())
        return {(one.record.id, one.token) for one in found if one.record.id not in held}
