"""The part of the store contract about the queue and its workers."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from os import getpid
from threading import get_ident
from typing import TypeVar
from zlib import crc32

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
from rota.store.kv.enqueue import ENQUEUE_OPS, enqueue, load_for_enqueue
from rota.store.kv.entry import Beat, Entry
from rota.store.kv.keys import PARTS, as_bytes
from rota.store.kv.moves import PROCESSING
from rota.store.kv.releases import unfinished
from rota.store.kv.settle import SETTLE_OPS, cancel, load_for_end, settle
from rota.store.kv.skew import MOST_SKEW_MS
from rota.store.kv.step import Conflict, Step
from rota.store.kv.view import TRIES, View
from rota.store.refusals import refuse_followups

__all__ = ["QueueOperations"]

_log = logging.getLogger("rota.worker")

T = TypeVar("T")
A = TypeVar("A")


class QueueOperations(View):
    """Everything that moves instances."""

    __slots__ = ()

    def _in_parts(
        self,
        items: Sequence[T],
        load: Callable[[Step, list[T]], object],
        cost: Callable[[T], tuple[int, int]],
        apply: Callable[[Step, T], A],
    ) -> list[A]:
        """Apply as many items a commit as it takes, half as many after a conflict: `load` reads what they will ask for,
        `cost` tells the operations and bytes of one."""
        answers: list[A] = []
        tries, most = 0, self._hub.kv.max_ops
        while len(answers) < len(items):
            step = self._step(tries)
            part = items[len(answers) : len(answers) + most]
            found: list[A] = []
            load(step, list(part))
            for item in part:
                if found and not step.fits(*cost(item)):
                    break
                found.append(apply(step, item))
            try:
                self._commit(step)
            except Conflict:
                tries, most = tries + 1, max(1, len(found) // 2)
                if tries > TRIES:
                    raise self._crowded() from None
                continue
            answers += found
            tries, most = 0, min(2 * most, self._hub.kv.max_ops)
        return answers

    def enqueue(self, records: Sequence[InstanceRecord]) -> list[EnqueueAnswer]:
        """Add instances."""
        return self._in_parts(
            records,
            load_for_enqueue,
            lambda record: (ENQUEUE_OPS, min(len(record.arguments), self.most_bytes)),
            lambda step, record: enqueue(step, record, self.most_bytes),
        )

    def claim(self, worker: str, seq: int, kinds: Sequence[str], limit: int, wait_ms: int = 0) -> list[Claim]:
        """Hand due instances to `worker`."""
        names = list(dict.fromkeys(kinds))

        def answer() -> tuple[list[Claim] | None, int | None]:
            return self._claim(worker, seq, names, limit)

        found, _ = answer()
        if found is None and wait_ms > 0 and limit > 0:
            bells = claims.bells(self._step(), names)
            found = self._until(answer, lambda one: one is not None, bells, wait_ms, worker)
        if found is None:
            self._change(lambda step: claims.remember_nothing(step, worker, seq))
        return found or []

    def _claim(self, worker: str, seq: int, names: list[str], limit: int) -> tuple[list[Claim] | None, int | None]:
        """Claim until there is an answer or nothing is due. Who meets another claim begins elsewhere in the order."""
        if abs(self._hub.skews.get((self._name, worker), 0)) > MOST_SKEW_MS:
            return None, None
        left: dict[str, int] = {}
        missed: list[bytes] = []
        taken: list[Claim] = []
        part = seq * PARTS
        most = max(1, min(limit, self._hub.kv.max_ops // 4))
        tries = 0
        while tries < TRIES:
            step = self._step(tries)
            window = self._hub.windows.get(self._name, 1) if missed else 1
            others = [self._keys.claim(worker, part), *map(self._keys.instance, missed)]
            orders = claims.look(step, worker, seq, names, most * window + 1, others)
            again = None if taken else claims.replayed(step, worker, seq)
            if again is not None:
                return again, None
            spent = dict(left)  # what a step that met another promoted, it did not
            claims.promote(step, orders, spent)
            chosen: list[Entry] = []
            if step.is_empty and limit > 0:
                start = crc32(b"%d %d %d" % (getpid(), get_ident(), seq + tries)) if self._met(step, missed) else 0
                choose = partial(_block, start, window)
                chosen = claims.claim(step, orders, worker, part, min(most, limit - len(taken)), choose)
            if step.is_empty:
                return (taken, None) if taken else (None, claims.due_in_ms(self._step(), names))
            full = claims.is_full(step) or len(chosen) == most
            try:
                revision = self._commit(step)
            except Conflict:
                tries += 1
                missed = [as_bytes(one.record.id) for one in chosen]
                self._hub.windows[self._name] = min(2 * window, 2 * max(2, self._hub.claimers.get(self._name, 2)))
                continue
            left = spent
            if chosen:
                self._hub.windows[self._name] = max(1, window // 2)
                taken += [claims.answered(one, revision) for one in chosen]
                part += 1
                if not full or len(taken) >= limit or part % PARTS == 0:
                    return taken, None
            tries, missed = 0, []
        raise self._crowded()

    @staticmethod
    def _met(step: Step, missed: list[bytes]) -> bool:
        """Whether another claim took of what this one was after; others that changed something are no reason to leave
        the head of the order."""
        found = (step.peek_entry(one) for one in missed)
        return any(one is not None and one.state == PROCESSING for one in found)

    def settle(self, outcomes: Sequence[Outcome]) -> list[SettleAnswer]:
        """End attempts."""
        refuse_followups(outcomes)
        return self._in_parts(
            outcomes,
            lambda step, part: load_for_end(step, [as_bytes(one.id) for one in part]),
            lambda one: (SETTLE_OPS + len(one.followups) + 1, _size_bytes(one)),
            lambda step, one: settle(step, one, self.most_bytes),
        )

    def cancel(self, ids: Sequence[str], where: frozenset[State] | None = None) -> list[CancelAnswer]:
        """Cancel instances, or ask their workers to."""
        return self._in_parts(
            ids,
            lambda step, part: load_for_end(step, [as_bytes(one) for one in part]),
            lambda _: (SETTLE_OPS, 0),
            lambda step, one: cancel(step, one, where),
        )

    def reap(self, limit: int = 100) -> list[Reaped]:
        """Take back what dead workers hold, and cancel what expired in the queue."""
        for beat in self._dead():
            self._change(lambda step: living.bury(step, beat.info.id, beat.n))  # noqa: B023 - called at once
        reaped: list[Reaped] = []
        for worker, why in living.gone(self._step()):
            reaped += self._take_back(worker, why, limit - len(reaped))
        while len(reaped) < limit:
            most = limit - len(reaped)
            found, _ = self._change(lambda step: living.expire(step, most))  # noqa: B023 - called at once
            if not found:
                break
            reaped += found
        self._go_on(unfinished(self._step(), limit))
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
        found = [(beat, self._is_live(key, beat, revision)) for key, beat, revision in living.beats(self._step())]
        self._hub.claimers[self._name] = sum(live for _, live in found)
        return [beat for beat, live in found if not live]

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
        for name in dict.fromkeys(kinds):
            self._change(lambda step: step.put_kind(name, step.kind(name).descriptor, True))  # noqa: B023 - called at once

    def resume(self, kinds: Iterable[str]) -> None:
        """Undo `pause` and wake those who wait: to delete a key wakes nobody, so one is put first in any case."""
        for name in dict.fromkeys(kinds):
            if self._change(lambda step: step.resume_kind(name))[0]:  # noqa: B023
                self._change(lambda step: step.put_kind(name, step.kind(name).descriptor, step.kind(name).paused))  # noqa: B023

    def beat(self, worker: str, lease_ms: int, info: WorkerRecord, wait_ms: int = 0) -> BeatReply:
        """Renew the lease of `worker` and answer what it was asked."""

        def renew(step: Step) -> BeatReply | None:
            if self._hub.kv.clock == "client":
                self._compare_clocks(step, worker)
            living.renew(step, worker, self._hub.boot, self._hub.kv.clock, lease_ms, info)
            return living.standing_reply(step, worker) if wait_ms <= 0 or living.has_news(step, worker) else None

        reply, _ = self._change(renew)
        if reply is not None:
            return reply
        bells = living.bells(self._keys, worker)
        self._until(lambda: (living.has_news(self._step(), worker), None), bool, bells, wait_ms, worker)
        return self._change(lambda step: living.standing_reply(step, worker))[0]

    def _compare_clocks(self, step: Step, worker: str) -> None:
        before, now = self._hub.skews.get((self._name, worker), 0), living.skew_of(step, worker)
        self._hub.skews[self._name, worker] = now
        if abs(now) > MOST_SKEW_MS >= abs(before):
            _log.warning(
                "worker %r claims nothing: its clock is %d ms %s those of the other workers; set the clocks of the "
                "machines by one source of time", worker, abs(now), "behind" if now > 0 else "ahead of",
            )  # fmt: skip

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


def _size_bytes(outcome: Outcome) -> int:
    return len(outcome.result or b"") + sum(len(record.arguments) for record in outcome.followups)


def _block(start: int, window: int, blocks: int) -> int:
    return start % min(blocks, window)
