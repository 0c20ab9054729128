"""Live workers: the lease that covers all that one holds, and the answer kept for a repeated claim."""

from collections import deque
from typing import Final

from rota.model.records import Claim, WorkerRecord
from rota.store.refusals import lease_lost
from rota_store_memory.entry import Entry

__all__ = ["Lease", "Leases"]

#: Ids of reaped workers that are remembered, so that a beat of theirs is refused.
_MAX_SPENT: Final = 10_000


class Lease:
    """One live worker. `end_ms` is monotonic; `cancels` are held ids with a cancel request, `asked` the concurrency
    that it was asked for and does not show yet, and `undelivered` says that something of these is in no reply yet."""

    __slots__ = ("answer", "asked", "cancels", "end_ms", "held", "info", "seq", "undelivered")

    def __init__(self, info: WorkerRecord) -> None:
        self.info = info
        self.end_ms = 0
        self.held: dict[str, Entry] = {}
        self.cancels: dict[str, None] = {}
        self.asked: int | None = None
        self.undelivered = False
        self.seq: int | None = None
        self.answer: list[Claim] = []

    def let_go(self, instance_id: str) -> None:
        """The worker does not hold the instance any more."""
        self.held.pop(instance_id, None)
        if self.cancels:
            self.cancels.pop(instance_id, None)


class Leases:
    """The live workers of a namespace, those that are spent, and what the dead still held."""

    __slots__ = ("live", "orphans", "spent")

    def __init__(self) -> None:
        self.live: dict[str, Lease] = {}
        self.spent: dict[str, None] = {}
        self.orphans: deque[Entry] = deque()

    def of(self, worker: str) -> Lease:
        """The lease of a live worker. Raises: LeaseLost."""
        lease = self.live.get(worker)
        if lease is None:
            raise lease_lost(worker)
        return lease

    def bury_dead(self, now_ms: int) -> list[str]:
        """Mark the workers whose lease has ended by `now_ms` (monotonic) as dead; their ids. O(workers)."""
        dead = [worker for worker, lease in self.live.items() if lease.end_ms <= now_ms]
        for worker in dead:
            self.orphans.extend(self.live.pop(worker).held.values())
            self.spent[worker] = None
            if len(self.spent) > _MAX_SPENT:
                del self.spent[next(iter(self.spent))]
        return dead

    def running(self, now_ms: int) -> list[WorkerRecord]:
        """The workers whose lease has not ended by `now_ms` (monotonic), by id."""
        return [lease.info for _, lease in sorted(self.live.items()) if lease.end_ms > now_ms]

    def clear(self) -> None:
        """Forget every worker."""
        self.live.clear()
        self.spent.clear()
        self.orphans.clear()
