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
from rota_store_memory.cancel import cancel
from rota_store_memory.claim import claim, has_work, remember_nothing
from rota_store_memory.enqueue import enqueue
from rota_store_memory.settle import settle
from rota_store_memory.view import View
from rota_store_memory.waiting import monotonic_ms
from rota_store_memory.workers import news, reap, renew, resize, retire, standing_reply

__all__ = ["QueueOperations"]


class QueueOperations(View):
    """Everything that moves instances."""

    __slots__ = ()

    def enqueue(self, records: Sequence[InstanceRecord]) -> list[EnqueueAnswer]:
        """Add instances."""
        with self._lock:
            return enqueue(self._space, records, self._clock.now_ms())

    def claim(self, worker: str, seq: int, kinds: Sequence[str], limit: int, wait_ms: int = 0) -> list[Claim]:
        """Hand due instances to `worker`."""
        space = self._space
        with self._lock:
            try:
                claims = self._until(
                    lambda: self._claim(worker, seq, kinds, limit),
                    space.line, kinds, worker, wait_ms if limit > 0 else 0, _answered,
                )  # fmt: skip
            finally:  # for what it promoted or was called for, and did not take
                space.line.wake(kinds)
            if claims is None:
                remember_nothing(space, worker, seq)
            return claims or []

    def _claim(self, worker: str, seq: int, kinds: Sequence[str], limit: int) -> list[Claim] | None:
        """Claim until there is an answer or nothing is due, letting others in between the steps."""
        space, now_ms = self._space, self._clock.now_ms
        while (claims := claim(space, worker, seq, kinds, limit, now_ms())) is None and limit > 0:
            if not has_work(space, kinds, now_ms()):
                break
            self._lock.release()
            self._lock.acquire()
        return claims

    def settle(self, outcomes: Sequence[Outcome]) -> list[SettleAnswer]:
        """End attempts."""
        with self._lock:
            return settle(self._space, outcomes, self._clock.now_ms())

    def cancel(self, ids: Sequence[str], where: frozenset[State] | None = None) -> list[CancelAnswer]:
        """Cancel instances, or ask their workers to."""
        with self._lock:
            return cancel(self._space, ids, where, self._clock.now_ms())

    def reap(self, limit: int = 100) -> list[Reaped]:
        """Take back what dead workers hold, and cancel what expired in the queue."""
        with self._lock:
            return reap(self._space, limit, self._clock.now_ms(), monotonic_ms(self._clock))

    def pause(self, kinds: Iterable[str]) -> None:
        """Let no claim take these kinds."""
        with self._lock:
            for kind in kinds:
                self._space.queue(kind).paused = True

    def resume(self, kinds: Iterable[str]) -> None:
        """Undo `pause` and wake as many as there is work for."""
        with self._lock:
            for kind in kinds:
                self._space.resume(kind)

    def beat(self, worker: str, lease_ms: int, info: WorkerRecord, wait_ms: int = 0) -> BeatReply:
        """Renew the lease of `worker` and answer what it was asked."""
        space = self._space
        with self._lock:
            renew(space, worker, lease_ms, info, self._clock.now_ms(), monotonic_ms(self._clock))
            found = self._until(lambda: news(space, worker), space.beats, (worker,), worker, wait_ms, _answered)
            return found or standing_reply(space, worker)

    def retire(self, worker: str) -> None:
        """Forget `worker` and release what it holds."""
        with self._lock:
            retire(self._space, worker, self._clock.now_ms())

    def workers(self) -> list[WorkerRecord]:
        """Workers whose lease has not ended, by id."""
        with self._lock:
            return self._space.leases.running(monotonic_ms(self._clock))

    def resize(self, worker: str, concurrency: int) -> bool:
        """Ask a live worker for another number of slots."""
        with self._lock:
            return resize(self._space, worker, concurrency, monotonic_ms(self._clock))

    def wait(self, worker: str, kinds: Sequence[str], timeout_ms: int) -> None:
        """Sleep until there may be work."""
        space, now_ms = self._space, self._clock.now_ms
        with self._lock:
            self._until(
                lambda: has_work(space, kinds, now_ms()),
                space.line, kinds, worker, min(timeout_ms, MAX_WAIT_MS), bool,
            )  # fmt: skip

    def interrupt(self, waiter: str) -> None:
        """End the blocked calls under this name, or the next one."""
        with self._lock:
            self._space.waiters.interrupt(waiter)


def _answered(found: object) -> bool:
    return found is not None
