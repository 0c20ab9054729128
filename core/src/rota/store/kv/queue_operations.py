"""The part of the store contract about the queue and its workers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from rota.model.records import (
    BeatReply,
    Claim,
    EnqueueAnswer,
    InstanceRecord,
    Outcome,
    Reaped,
    SettleAnswer,
    WorkerRecord,
)  # fmt: skip
from rota.model.state import State
from rota.store.contract import MAX_WAIT_MS, CancelAnswer
from rota.store.kv import claim as claims
from rota.store.kv import workers as living
from rota.store.kv.enqueue import enqueue, keys_of, refuse_undeclared
from rota.store.kv.entry import Beat
from rota.store.kv.keys import as_bytes
from rota.store.kv.settle import cancel, prefetch, settle
from rota.store.kv.step import Step
from rota.store.kv.view import View
from rota.store.refusals import refuse_followups

__all__ = ["QueueOperations"]

T = TypeVar("T")
A = TypeVar("A")
_OPS_EACH: Final = 9  # keys that one item puts, deletes or checks at most
_SPARE: Final = 12


class QueueOperations(View):
    """Everything that moves instances."""

    __slots__ = ()

    @property
    def most_bytes(self) -> int:
        """The largest payload."""
        return min(16 * 1024 * 1024, self._hub.kv.max_bytes // 4)

    @property
    def _most(self) -> int:
        return max(1, (self._hub.kv.max_ops - _SPARE) // _OPS_EACH)

    def _in_parts(
        self, items: Sequence[T], size: Callable[[T], tuple[int, int]], apply: Callable[[Step, Sequence[T]], list[A]]
    ) -> list[A]:
        """Apply as many items a commit as it takes: `size` tells an item's weight and bytes."""
        answers: list[A] = []
        while len(answers) < len(items):
            start, weight, many = len(answers), 0, 0
            end = start
            while end < len(items):
                weight, many = weight + size(items[end])[0], many + size(items[end])[1] + 4_000
                if end > start and (weight > self._most or many > self._hub.kv.max_bytes // 2):
                    break
                end += 1
            part = items[start:end]
            found, _ = self._change(lambda step: apply(step, part))  # noqa: B023 - called at once
            answers += found
        return answers

    def enqueue(self, records: Sequence[InstanceRecord]) -> list[EnqueueAnswer]:
        """Add instances."""
        refuse_undeclared(records)

        def add(step: Step, part: Sequence[InstanceRecord]) -> list[EnqueueAnswer]:
            step.load(key for record in part for key in keys_of(step, record))
            return [enqueue(step, record, self.most_bytes) for record in part]

        return self._in_parts(records, lambda record: (1, min(len(record.arguments), self.most_bytes)), add)

    def claim(self, worker: str, seq: int, kinds: Sequence[str], limit: int, wait_ms: int = 0) -> list[Claim]:
        """Hand due instances to `worker`."""
        names = list(dict.fromkeys(kinds))

        def look() -> tuple[list[Claim] | None, int | None]:
            return self._claim(worker, seq, names, limit)

        found = self._until(
            look, lambda one: one is not None, claims.bells(self._step(), names), wait_ms if limit > 0 else 0, worker
        )
        if found is None:
            self._change(lambda step: claims.remember_nothing(step, worker, seq))
        return found or []

    def _claim(self, worker: str, seq: int, names: list[str], limit: int) -> tuple[list[Claim] | None, int | None]:
        again, _ = self._change(lambda step: claims.replayed(step, worker, seq))
        if again is not None:
            return again, None
        left: dict[str, int] = {}
        while self._change(lambda step: claims.promote(step, names, self._most * 3, left))[0]:
            pass
        while limit > 0:
            (again, chosen, passed), revision = self._change(lambda step: self._take(step, worker, seq, names, limit))
            if again is not None:
                return again, None
            if chosen:
                return [
                    Claim(one.record, revision, one.attempt, one.due_ms, one.started_ms or 0, one.crashes)
                    for one in chosen
                ], None
            if not passed:
                break
        return None, claims.due_in_ms(self._step(), names)

    def _take(self, step: Step, worker: str, seq: int, names: list[str], limit: int):  # type: ignore[no-untyped-def]
        again = claims.replayed(step, worker, seq)
        return (again, [], 0) if again is not None else (
            None, *claims.claim(step, worker, seq, names, min(limit, self._most))
        )  # fmt: skip

    def settle(self, outcomes: Sequence[Outcome]) -> list[SettleAnswer]:
        """End attempts."""
        refuse_followups(outcomes)
        for outcome in outcomes:
            refuse_undeclared(outcome.followups)

        def end(step: Step, part: Sequence[Outcome]) -> list[SettleAnswer]:
            prefetch(step, [as_bytes(outcome.id) for outcome in part])
            return [settle(step, one, lambda record: enqueue(step, record, self.most_bytes)) for one in part]

        return self._in_parts(outcomes, lambda one: (1 + len(one.followups), len(one.result or b"")), end)

    def cancel(self, ids: Sequence[str], where: frozenset[State] | None = None) -> list[CancelAnswer]:
        """Cancel instances, or ask their workers to."""

        def end(step: Step, part: Sequence[str]) -> list[CancelAnswer]:
            prefetch(step, [as_bytes(one) for one in part])
            return [cancel(step, one, where) for one in part]

        return self._in_parts(ids, lambda _: (1, 0), end)

    def reap(self, limit: int = 100) -> list[Reaped]:
        """Take back what dead workers hold, and cancel what expired in the queue."""
        for beat in self._dead():
            self._bury(beat)
        reaped: list[Reaped] = []
        for worker, why in living.gone(self._step()):
            reaped += self._take_back(worker, why, limit - len(reaped))
        while len(reaped) < limit:
            most = min(limit - len(reaped), self._most)
            found, _ = self._change(lambda step: living.expire(step, most))  # noqa: B023 - called at once
            if not found:
                break
            reaped += found
        self._change(living.forget_old_dead)
        return reaped

    def _take_back(self, worker: str, why: bytes, limit: int) -> list[Reaped]:
        reaped: list[Reaped] = []
        while len(reaped) < limit:
            most = limit - len(reaped)
            (found, over), _ = self._change(lambda step: living.take_back(step, worker, why, most))  # noqa: B023
            reaped += found
            if over:
                break
        return reaped

    def _dead(self) -> list[Beat]:
        return [beat for key, beat, revision in living.beats(self._step()) if not self._is_live(key, beat, revision)]

    def _bury(self, beat: Beat) -> None:
        def mark(step: Step) -> None:
            key = step.keys.worker(b"b", beat.info.id)
            step.load([key])
            found = {key: (one, revision) for key, one, revision in living.beats(step)}
            if key in found and found[key][0].n == beat.n:
                living.bury(step, beat.info.id)

        self._change(mark)

    def _is_live(self, key: bytes, beat: Beat, revision: int) -> bool:
        clock, now_ms = self._hub.kv.clock, round(self._clock.monotonic() * 1000)
        if clock == "host":
            return beat.boot == self._hub.boot and beat.until_ms > now_ms
        if clock == "server":
            return beat.until_ms > self._hub.kv.now_ms()
        seen = self._hub.seen.get(key)
        if seen is None or seen[0] != revision:
            seen = self._hub.seen[key] = revision, now_ms
        return now_ms - seen[1] < beat.lease_ms

    def pause(self, kinds: Iterable[str]) -> None:
        """Let no claim take these kinds."""
        self._set_paused(kinds, True)

    def resume(self, kinds: Iterable[str]) -> None:
        """Undo `pause` and wake those who wait."""
        self._set_paused(kinds, False)

    def _set_paused(self, kinds: Iterable[str], paused: bool) -> None:
        for name in dict.fromkeys(kinds):
            self._change(lambda step: step.put_kind(name, step.kind(name).descriptor, paused))  # noqa: B023

    def beat(self, worker: str, lease_ms: int, info: WorkerRecord, wait_ms: int = 0) -> BeatReply:
        """Renew the lease of `worker` and answer what it was asked."""
        boot, clock = self._hub.boot, self._hub.kv.clock
        self._change(lambda step: living.renew(step, worker, boot, clock, lease_ms, info))
        self._until(
            lambda: (living.has_news(self._step(), worker), None),
            bool,
            living.bells(self._keys, worker),
            wait_ms,
            worker,
        )
        return self._change(lambda step: living.standing_reply(step, worker))[0]

    def retire(self, worker: str) -> None:
        """Forget `worker` and release what it holds."""
        self._change(lambda step: living.unregister(step, worker, living.RELEASED))
        if (worker, living.RELEASED) in living.gone(self._step()):
            self._take_back(worker, living.RELEASED, 10**9)

    def resize(self, worker: str, concurrency: int) -> bool:
        """Ask a live worker for another number of slots."""
        return self._change(lambda step: living.resize(step, worker, concurrency))[0]

    def workers(self) -> list[WorkerRecord]:
        """Workers whose lease has not ended, by id."""
        found = [one for key, one, revision in living.beats(self._step()) if self._is_live(key, one, revision)]
        return sorted((one.info for one in found), key=lambda info: info.id)

    def wait(self, worker: str, kinds: Sequence[str], timeout_ms: int) -> None:
        """Sleep until there may be work."""

        def look() -> tuple[bool, int | None]:
            due_ms = claims.due_in_ms(self._step(), kinds)
            return due_ms == 0, due_ms

        self._until(look, bool, claims.bells(self._step(), kinds), min(timeout_ms, MAX_WAIT_MS), worker)

    def interrupt(self, waiter: str) -> None:
        """End the blocked calls under this name, or the next one."""
        self._hub.calls.interrupt((self._name, waiter))
