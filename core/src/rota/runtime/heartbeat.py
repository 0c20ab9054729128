"""Keeps the worker's lease, and carries requests to it: cancel a job, resize. No job can starve it."""

from collections.abc import Callable, Sequence

from rota.model.records import WorkerRecord
from rota.runtime.identity import Identity
from rota.store.contract import Store

__all__ = ["Heartbeat"]


class Heartbeat:
    """Beats three times a lease; the store may answer at once when a request arrives."""

    def __init__(
        self,
        store: Callable[[], Store],
        identity: Identity,
        lease_ms: int,
        info: Callable[[], WorkerRecord],
        cancel: Callable[[Sequence[str]], None],
        lost: Callable[[str], None],
        resize: Callable[[int], None],
    ) -> None:
        self._store = store
        self._identity = identity
        self._lease_ms = lease_ms
        self._info = info
        self._cancel = cancel
        self._lost = lost
        self._resize = resize

    def beat(self, wait_ms: int) -> None:
        """Renew once, waiting up to `wait_ms` for a request."""
        worker = self._identity.worker
        reply = self._store().beat(worker, self._lease_ms, self._info(), wait_ms)
        if reply.lost:
            self._lost(worker)
        self._cancel(reply.cancels)
        if reply.concurrency is not None:
            self._resize(reply.concurrency)

    def step(self) -> bool:
        """Renew, and wait a third of the lease."""
        self.beat(self._lease_ms // 3)
        return True
