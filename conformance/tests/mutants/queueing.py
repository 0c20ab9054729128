"""Stores that are broken where instances are asked for, handed out and ended."""

from threading import Event
from typing import ClassVar

from conformance.tests.mutants.breeding import Mutant, killed_by
from msgspec.structs import replace

from rota.model.records import Claim, Ending, EnqueueAnswer, SettleAnswer
from rota.model.state import State


@killed_by("ENQ-1")
class BlackHole(Mutant):
    """Takes everything, keeps nothing."""

    def enqueue(self, records):
        return [EnqueueAnswer("added", record.id, self.now_ms()) for record in records]


@killed_by("ENQ-2")
class UpsertOnDuplicate(Mutant):
    """The same id again overwrites."""

    def enqueue(self, records):
        answers = super().enqueue(records)
        for record, answer in zip(records, answers, strict=True):
            if answer.status == "exists":
                self.entry(record.id).record = record
        return answers


@killed_by("ENQ-4")
class DueTooEarly(Mutant):
    """A delay is a millisecond short."""

    def enqueue(self, records):
        return super().enqueue([replace(one, delay_ms=max(0, one.delay_ms - 1)) for one in records])


@killed_by("ENQ-5")
class KeyFreeAfterRetry(Mutant):
    """A retry gives the unique key away."""

    def settle(self, outcomes):
        answers = super().settle(outcomes)
        for outcome, answer in zip(outcomes, answers, strict=True):
            if answer.status == "done" and answer.state is State.SCHEDULED:
                record = self.entry(outcome.id).record
                self._space.queue(record.kind).unique.pop(record.unique_key, None)
        return answers


@killed_by("ENQ-9")
class TruncatedPayload(Mutant):
    """Payloads end at their first zero byte."""

    def enqueue(self, records):
        return super().enqueue([replace(one, arguments=one.arguments.split(b"\0")[0]) for one in records])


@killed_by("ENQ-11")
class Aliasing(Mutant):
    """Hands out the list that it keeps."""

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        super().claim(worker, seq, kinds, limit, wait_ms)
        return self._space.leases.live[worker].answer


@killed_by("CLM-1")
class Lifo(Mutant):
    """The last comes first."""

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        return super().claim(worker, seq, kinds, limit, wait_ms)[::-1]


@killed_by("CLM-1")
class PriorityReversed(Mutant):
    """The largest rank comes first."""

    def enqueue(self, records):
        return super().enqueue([replace(one, rank=-one.rank) for one in records])


@killed_by("CLM-4")
class OverLimit(Mutant):
    """Hands out one too many."""

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        return super().claim(worker, seq, kinds, limit + 1, wait_ms)


@killed_by("CLM-6")
class TokenReused(Mutant):
    """Counts tokens from 1 in each claim."""

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        self._space.token = 0
        return super().claim(worker, seq, kinds, limit, wait_ms)


@killed_by("CLM-7")
class ReplayClaimsAnew(Mutant):
    """A repeated claim is a new one."""

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        lease = self._space.leases.live.get(worker)
        if lease is not None:
            lease.seq = None
        return super().claim(worker, seq, kinds, limit, wait_ms)


@killed_by("CLM-7")
class ReplayByRow(Mutant):
    """Remembers what a claim took by a place that is given to another once it is purged."""

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        rows = self.__dict__.setdefault("rows", {})
        entries = self._space.entries
        places = rows.get((worker, seq))
        if places is not None:
            newest = list(entries.values())[-1].record
            return [one if one.record.id in entries else replace(one, record=newest) for one in places]
        rows[worker, seq] = super().claim(worker, seq, kinds, limit, wait_ms)
        return rows[worker, seq]


@killed_by("CLM-9")
class RacyClaim(Mutant):
    """Reads what is due and takes it in two steps."""

    inside: ClassVar[int] = 0
    last: ClassVar[list[Claim]] = []

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        RacyClaim.inside += 1
        Event().wait(0.001)
        seen, RacyClaim.last = RacyClaim.last if RacyClaim.inside > 1 else [], []
        claims = super().claim(worker, seq, kinds, limit, wait_ms)
        RacyClaim.last, RacyClaim.inside = claims, RacyClaim.inside - 1
        return claims or seen


@killed_by("CLM-11")
class OffByOneExpiry(Mutant):
    """What expires now lives for another millisecond."""

    def enqueue(self, records):
        later = [one.expires_after_ms for one in records]
        longer = [None if wait_ms is None else wait_ms + 1 for wait_ms in later]
        pairs = zip(records, longer, strict=True)
        return super().enqueue([replace(one, expires_after_ms=wait_ms) for one, wait_ms in pairs])


@killed_by("CLM-14")
class PauseIgnored(Mutant):
    """Nothing is ever paused."""

    def pause(self, kinds):
        pass


@killed_by("SET-1")
class ResultLost(Mutant):
    """Ends, and forgets what came out."""

    def settle(self, outcomes):
        return super().settle([replace(one, result=None) for one in outcomes])


@killed_by("SET-2")
class NoFence(Mutant):
    """Any token is the current one."""

    def settle(self, outcomes):
        there = self.standing
        return super().settle([replace(one, token=there[one.id].token) if one.id in there else one for one in outcomes])


@killed_by("SET-2")
class SilentStaleSettle(Mutant):
    """A stale settle is told that it was done."""

    def settle(self, outcomes):
        answers = super().settle(outcomes)
        return [SettleAnswer("done", one.state) if one.status == "lost" else one for one in answers]


@killed_by("SET-5")
class ReleaseCountsAnAttempt(Mutant):
    """An attempt that was given back is counted."""

    def settle(self, outcomes):
        answers = super().settle(outcomes)
        for outcome, answer in zip(outcomes, answers, strict=True):
            if answer.status == "done" and outcome.ending is Ending.RELEASED:
                self.entry(outcome.id).attempt += 1
        return answers


@killed_by("SET-6")
class PoisonTooLate(Mutant):
    """One crash more than allowed."""

    def settle(self, outcomes):
        for outcome in outcomes:
            entry = self.standing.get(outcome.id)
            if entry is not None and outcome.ending is Ending.CRASHED and entry.crashes == entry.record.max_crashes:
                entry.crashes -= 1
        return super().settle(outcomes)


@killed_by("SET-7")
class ForgetsTheCancel(Mutant):
    """What goes back to the queue goes back, whatever was asked."""

    def settle(self, outcomes):
        for outcome in outcomes:
            if outcome.id in self.standing:
                self.entry(outcome.id).cancel_requested = False
        return super().settle(outcomes)


@killed_by("SET-10")
class FollowUpsLost(Mutant):
    """Completes, and adds nothing."""

    def settle(self, outcomes):
        return super().settle([replace(one, followups=one.followups[:0]) for one in outcomes])


@killed_by("CAN-3")
class CancelsTheFinal(Mutant):
    """What has ended ends anew."""

    def cancel(self, ids, where=None):
        answers = super().cancel(ids, where)
        for one, answer in zip(ids, answers, strict=True):
            if answer == "final":
                self.entry(one).state = State.CANCELED
        return answers


@killed_by("CAN-4")
class CancelHitsTooMuch(Mutant):
    """Cancels the neighbours too."""

    def cancel(self, ids, where=None):
        answers = super().cancel(ids, where)
        super().cancel([one for one in list(self.standing) if one not in ids], frozenset({State.SCHEDULED}))
        return answers


@killed_by("REF-1")
class UndeclaredIgnored(Mutant):
    """What it does not declare it does not mention."""

    @property
    def capabilities(self):
        declared = super().capabilities
        return replace(declared, features=declared.features - {"dependencies"})

    def enqueue(self, records):
        return super().enqueue([replace(one, depends_on=()) for one in records])


@killed_by("FLT-1")
class PauseToggles(Mutant):
    """Paused twice is not paused."""

    def pause(self, kinds):
        for kind in kinds:
            queue = self._space.queues.get(kind)
            if queue is not None and queue.paused:
                super().resume([kind])
            else:
                super().pause([kind])


@killed_by("FLT-2")
class RepeatedEnqueueRefused(Mutant):
    """Of an enqueue whose reply was lost nothing is left."""

    def enqueue(self, records):
        again = [one.id for one in records if one.id in self.standing]
        answers = super().enqueue(records)
        for one in again:
            self._space.queue_of(self.entry(one)).live.discard()
            del self.standing[one]
        return answers


@killed_by("MOD-1")
class CrashesForgotten(Mutant):
    """A claim makes every crash undone."""

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        claims = super().claim(worker, seq, kinds, limit, wait_ms)
        for claim in claims:
            if claim.record.id in self.standing:
                self.entry(claim.record.id).crashes = 0
        return claims
