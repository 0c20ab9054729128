"""Claims what is due and hands it to the executors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rota.model.errors import LeaseLost
from rota.model.records import Claim
from rota.runtime.attempt import Attempt
from rota.runtime.identity import Identity
from rota.runtime.parents import results_for
from rota.runtime.slots import Slots
from rota.store.contract import MAX_WAIT_MS, Store

__all__ = ["Dispatcher"]

_PAUSE_S: Final = 5.0


class Dispatcher:
    """One step: wait for room, claim, start. With a free slot and nothing due, the claim itself blocks."""

    def __init__(
        self,
        store: Callable[[], Store],
        identity: Identity,
        kinds: Callable[[], Sequence[str]],
        slots: Slots,
        begin: Callable[[Sequence[Claim], Mapping[str, bytes]], None],
        give_back: Callable[[Sequence[Attempt]], None],
        lost: Callable[[str], None],
    ) -> None:
        self._store = store
        self._identity = identity
        self._kinds = kinds
        self._slots = slots
        self._begin = begin
        self._give_back = give_back
        self._lost = lost

    def step(self) -> bool:
        """Claim once, if there is room."""
        room, free = self._slots.await_room(_PAUSE_S)
        if not room:
            self._give_back(self._slots.take_stalled())
        else:
            self.claim(room, MAX_WAIT_MS if free else 0)
        return True

    def claim(self, room: int, wait_ms: int) -> int:
        """Claim up to `room`, waiting so long for the first, and start them. How many."""
        identity = self._identity
        worker, seq = identity.worker, identity.seq
        try:
            store = self._store()
            claims = store.claim(worker, seq, self._kinds(), room, wait_ms)
        except LeaseLost:
            self._lost(worker)
            return 0
        results = results_for(claims, store)  # what fails here is claimed again, by the same number
        if worker != identity.worker:  # the claims of a lost one are no longer ours
            return 0
        identity.seq = seq + 1
        self._slots.note_dry(not wait_ms and len(claims) < room)
        if claims:
            self._begin(claims, results)
        return len(claims)
