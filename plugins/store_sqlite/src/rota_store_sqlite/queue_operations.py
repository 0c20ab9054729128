"""The part of the store contract about the queue and its workers."""

from collections.abc import Iterable, Sequence

from rota.model.records import (
    BeatReply,
    Claim,
    EnqueueAnswer,
    InstanceRecord,
    Outcome,
    Reaped,
    SettleAnswer,
    WorkerRecord,
)
from rota.model.state import State
from rota.store.contract import MAX_WAIT_MS, CancelAnswer
from rota.store.refusals import refuse_followups
from rota_store_sqlite.cancel import cancel
from rota_store_sqlite.claim import claim, due_in_ms, remember_nothing
from rota_store_sqlite.enqueue import enqueue
from rota_store_sqlite.pausing import pause, resume
from rota_store_sqlite.settle import settle
from rota_store_sqlite.topics import WORK, WORKER
from rota_store_sqlite.view import View
from rota_store_sqlite.workers import has_news, live_workers, reap, renew, resize, retire, standing_reply

__all__ = ["QueueOperations"]


class QueueOperations(View):
    """Everything that moves instances."""

    __slots__ = ()

    def enqueue(self, records: Sequence[InstanceRecord]) -> list[EnqueueAnswer]:
        """Add instances."""
        with self._changing() as step:
            return enqueue(step, records)

    def claim(self, worker: str, seq: int, kinds: Sequence[str], limit: int, wait_ms: int = 0) -> list[Claim]:
        """Hand due instances to `worker`."""
        found = self._until(
            lambda: self._claim(worker, seq, kinds, limit), _answered, WORK, wait_ms if limit > 0 else 0, worker
        )
        if found is None:
            with self._changing() as step:
                remember_nothing(step, worker, seq)
        return found or []

    def _claim(self, worker: str, seq: int, kinds: Sequence[str], limit: int) -> tuple[list[Claim] | None, int | None]:
        """Claim until there is an answer or nothing is due, letting others in between the steps."""
        while True:
            with self._changing() as step:
                claims = claim(step, worker, seq, kinds, limit)
                due_ms = None if claims else due_in_ms(step, kinds)
            if claims is not None or due_ms != 0 or limit <= 0:
                return claims, due_ms

    def settle(self, outcomes: Sequence[Outcome]) -> list[SettleAnswer]:
        """End attempts."""
        refuse_followups(outcomes)
        with self._changing() as step:
            return settle(step, outcomes)

    def cancel(self, ids: Sequence[str], where: frozenset[State] | None = None) -> list[CancelAnswer]:
        """Cancel instances, or ask their workers to."""
        with self._changing() as step:
            return cancel(step, ids, where)

    def reap(self, limit: int = 100) -> list[Reaped]:
        """Take back what dead workers hold, and cancel what expired in the queue."""
        with self._changing() as step:
            return reap(step, self._hub.boot, limit)

    def pause(self, kinds: Iterable[str]) -> None:
        """Let no claim take these kinds."""
        with self._changing() as step:
            pause(step, kinds)

    def resume(self, kinds: Iterable[str]) -> None:
        """Undo `pause` and wake those who wait."""
        with self._changing() as step:
            resume(step, kinds)

    def beat(self, worker: str, lease_ms: int, info: WorkerRecord, wait_ms: int = 0) -> BeatReply:
        """Renew the lease of `worker` and answer what it was asked."""
        with self._changing() as step:
            renew(step, worker, self._hub.boot, lease_ms, info)
            if wait_ms <= 0 or has_news(step, worker):
                return standing_reply(step, worker)
        self._until(lambda: (self._has_news(worker), None), bool, WORKER, wait_ms, worker)
        with self._changing() as step:
            return standing_reply(step, worker)

    def _has_news(self, worker: str) -> bool:
        with self._reading() as step:
            return has_news(step, worker)

    def retire(self, worker: str) -> None:
        """Forget `worker` and release what it holds."""
        with self._changing() as step:
            retire(step, worker)

    def resize(self, worker: str, concurrency: int) -> bool:
        """Ask a live worker for another number of slots."""
        with self._changing() as step:
            return resize(step, worker, concurrency)

    def workers(self) -> list[WorkerRecord]:
        """Workers whose lease has not ended, by id."""
        with self._reading() as step:
            return live_workers(step, self._hub.boot)

    def wait(self, worker: str, kinds: Sequence[str], timeout_ms: int) -> None:
        """Sleep until there may be work."""
        self._until(lambda: self._due(kinds), bool, WORK, min(timeout_ms, MAX_WAIT_MS), worker)

    def _due(self, kinds: Sequence[str]) -> tuple[bool, int | None]:
        with self._reading() as step:
            due_ms = due_in_ms(step, kinds)
        return due_ms == 0, due_ms

    def interrupt(self, waiter: str) -> None:
        """End the blocked calls under this name, or the next one."""
        self._hub.calls.interrupt((self._name, waiter))


def _answered(found: object) -> bool:
    return found is not None
