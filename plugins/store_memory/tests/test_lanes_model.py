"""The lanes against a model that sorts a list at each claim, under any mix of operations and limits."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from plugins.store_memory.tests.lab import Lab

from rota.engine.limits import Bound, bounds
from rota.model.query import PurgeFilter
from rota.model.records import Claim, Ending, InstanceRecord, KindDescriptor, LimitRecord
from rota.model.state import State

_KINDS = ("a", "b")


class _Job:
    """One instance, as the model sees it."""

    def __init__(self, record: InstanceRecord, now_ms: int) -> None:
        self.record = record
        self.due_ms = now_ms + record.delay_ms
        self.expires_ms = None if record.expires_after_ms is None else now_ms + record.expires_after_ms
        self.claim: Claim | None = None
        self.started = False

    @property
    def place(self) -> tuple[int, int, str]:
        return self.record.rank, self.due_ms, self.record.id


class _Model:
    """Everything that has not ended, and when the buckets are full; nothing is kept in order."""

    def __init__(self) -> None:
        self.jobs: dict[str, _Job] = {}
        self.limits: dict[str, tuple[LimitRecord, ...]] = {}
        self.tats: dict[tuple[str, str | None], int] = {}

    def bound(self, kind: str, lane: str | None) -> Bound:
        gate, keyed = bounds(self.limits.get(kind, ()))
        return Bound(gate if lane is None else keyed)

    def put(self, kind: str, limits: tuple[LimitRecord, ...], now_ms: int) -> None:
        self.limits[kind] = limits
        for of, lane in [one for one in self.tats if one[0] == kind]:
            rate = self.bound(of, lane).rate
            self.tats[of, lane] = 0 if rate is None else rate.standing(self.tats[of, lane], now_ms)

    def room(self, kind: str, lane: str | None, now_ms: int) -> int:
        alike = [job for job in self.jobs.values() if job.claim and job.record.kind == kind]
        running = sum(lane is None or job.record.lane == lane for job in alike)
        return self.bound(kind, lane).room(running, self.tats.get((kind, lane), 0), now_ms)

    def may_start(self, job: _Job, now_ms: int) -> bool:
        kind, lane = job.record.kind, job.record.lane
        return self.room(kind, None, now_ms) > 0 and (lane is None or self.room(kind, lane, now_ms) > 0)

    def due(self, kinds: tuple[str, ...], now_ms: int) -> list[_Job]:
        found = [one for one in self.jobs.values() if one.record.kind in kinds and not one.claim]
        return sorted((one for one in found if one.due_ms <= now_ms), key=lambda one: one.place)

    def claim(self, kinds: tuple[str, ...], limit: int, now_ms: int) -> list[str]:
        claimed: list[str] = []
        while len(claimed) < limit:
            job = next((one for one in self.due(kinds, now_ms) if self.may_start(one, now_ms)), None)
            if job is None:
                break
            if job.expires_ms is not None and job.expires_ms <= now_ms and not job.started:
                del self.jobs[job.record.id]
                continue
            job.started = True
            job.claim = Claim(job.record, 0, 0, job.due_ms, now_ms)
            for lane in {None, job.record.lane}:
                if (rate := self.bound(job.record.kind, lane).rate) is not None:
                    known = self.tats.get((job.record.kind, lane), 0)
                    self.tats[job.record.kind, lane] = rate.after(known, now_ms)
            claimed.append(job.record.id)
        return claimed


_rates = st.sampled_from([(None, None), (1, 1_000), (3, 1_000), (7, 1_000), (2, 60_000)])
_limits = st.builds(
    lambda running, rate, key: LimitRecord(running, *rate, key=key),
    st.none() | st.integers(1, 3), _rates, st.sampled_from([None, "{tenant}"]),
)  # fmt: skip
_limit_sets = st.lists(_limits, max_size=2, unique_by=lambda limit: limit.key)


class _Lanes(RuleBasedStateMachine):
    """Each step is done to the store and to the model; both must hand out the same, in the same order."""

    def __init__(self) -> None:
        super().__init__()
        self.lab = Lab()
        self.model = _Model()

    @property
    def now_ms(self) -> int:
        """Of the clock that both go by."""
        return self.lab.clock.now_ms()

    @rule(
        kind=st.sampled_from(_KINDS), lane=st.sampled_from([None, "x", "y", "z"]), number=st.integers(1, 6),
        rank=st.integers(-1, 1), step=st.integers(-1, 1), delay_ms=st.sampled_from([0, 0, 0, 1, 500]),
        expires=st.booleans(),
    )  # fmt: skip
    def enqueue(
        self, kind: str, lane: str | None, number: int, rank: int, step: int, delay_ms: int, expires: bool
    ) -> None:
        """Several of one lane, all as urgent or each more or less so than the last."""
        fields: dict[str, Any] = {"kind": kind, "lane": lane, "delay_ms": delay_ms}
        if expires:
            fields["expires_after_ms"] = 700
        records = [self.lab.record(rank=rank + step * n, **fields) for n in range(number)]
        self.lab.store.enqueue(records)
        self.model.jobs.update((one.id, _Job(one, self.now_ms)) for one in records)

    @rule(kinds=st.sampled_from([("a",), ("b",), _KINDS]), limit=st.integers(1, 5), worker=st.sampled_from("vw"))
    def claim(self, kinds: tuple[str, ...], limit: int, worker: str) -> None:
        """The same come, in the same order."""
        expected = self.model.claim(kinds, limit, self.now_ms)
        claims = self.lab.claim(worker, limit, kinds)
        assert expected == [claim.record.id for claim in claims]
        for claim in claims:
            self.model.jobs[claim.record.id].claim = claim

    @precondition(lambda self: any(job.claim for job in self.model.jobs.values()))
    @rule(data=st.data(), ending=st.sampled_from(Ending), retry_after_ms=st.sampled_from([None, 0, 300]))
    def settle(self, data: st.DataObject, ending: Ending, retry_after_ms: int | None) -> None:
        """One that runs ends, and gives its places back."""
        running = [job for job in self.model.jobs.values() if job.claim]
        job = data.draw(st.sampled_from(running))
        assert job.claim is not None
        answer = self.lab.settle(job.claim, ending, retry_after_ms=retry_after_ms)
        if answer.state is State.SCHEDULED:
            delay_ms = retry_after_ms if ending in (Ending.TERMINATED, Ending.TIMED_OUT) else 0
            job.claim, job.due_ms = None, self.now_ms + (delay_ms or 0)
        else:
            del self.model.jobs[job.record.id]

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """One that waits is gone, one that runs goes on."""
        job = data.draw(st.sampled_from(list(self.model.jobs.values())))
        self.lab.store.cancel([job.record.id])
        if job.claim is None:
            del self.model.jobs[job.record.id]

    @rule(milliseconds=st.sampled_from([1, 143, 333, 500, 1_000, 20_000]))
    def advance(self, milliseconds: int) -> None:
        """No worker dies of it."""
        for worker in self.lab.store.workers():
            self.lab.beat(worker.id, lease_ms=10**9)
        self.lab.clock.advance(milliseconds / 1000)

    @rule(kind=st.sampled_from(_KINDS), limits=_limit_sets)
    def put_kinds(self, kind: str, limits: list[LimitRecord]) -> None:
        """Others from now on."""
        self.lab.store.put_kinds([KindDescriptor(kind=kind, limits=tuple(limits))])
        self.model.put(kind, tuple(limits), self.now_ms)

    @rule(worker=st.sampled_from("vw"))
    def retire(self, worker: str) -> None:
        """What it held comes back."""
        held = [job for job in self.model.jobs.values() if job.claim and self._holder(job) == worker]
        self.lab.store.retire(worker)
        for job in held:
            if self.lab.state(job.record.id) is State.SCHEDULED:
                job.claim, job.due_ms = None, self.now_ms
            else:
                del self.model.jobs[job.record.id]

    @rule()
    def reap(self) -> None:
        """The expired leave."""
        for moved in self.lab.store.reap():
            del self.model.jobs[moved.id]

    @rule()
    def purge(self) -> None:
        """What has ended is forgotten."""
        self.lab.store.purge(PurgeFilter())

    def _holder(self, job: _Job) -> str | None:
        return self.lab.get(job.record.id).worker

    @invariant()
    def numbers_agree(self) -> None:
        """What `stats` says of the limits, and how many a sleeper would be called for."""
        now_ms = self.now_ms
        found = {stats.kind: stats for stats in self.lab.store.stats()}
        for kind in _KINDS:
            due = self.model.due((kind,), now_ms)
            shut = [job for job in due if not self.model.may_start(job, now_ms)]
            free = [job.due_ms for job in due if self.model.may_start(job, now_ms)]
            stats = found.get(kind)
            told = (stats.held_back, stats.oldest_due_ms) if stats is not None else (0, None)
            assert (len(shut), free[0] if free else None) == told
            queue, most = self.lab.store._space.queues.get(kind), self._startable(kind, now_ms)
            startable = queue.startable() if queue is not None else 0
            assert min(1, most) <= startable <= most  # a rate may allow more by now than at the last look at a lane

    def _startable(self, kind: str, now_ms: int) -> int:
        by_lane: dict[str | None, int] = {}
        for job in self.model.due((kind,), now_ms):
            by_lane[job.record.lane] = by_lane.get(job.record.lane, 0) + 1
        open_ = sum(
            number if lane is None else max(0, min(number, self.model.room(kind, lane, now_ms)))
            for lane, number in by_lane.items()
        )
        return max(0, min(open_, self.model.room(kind, None, now_ms)))

    def teardown(self) -> None:
        """Whatever happened: once all has ended and time has passed, no lane is left."""
        for worker in self.lab.store.workers():
            self.lab.store.retire(worker.id)
        self.lab.store.cancel(list(self.model.jobs))
        self.lab.clock.advance(120)
        self.lab.store.reap()
        queues = self.lab.store._space.queues.values()
        kept = list(self.lab.store._space.limits.values())
        kept += [queue.limits for queue in queues if queue.limits is not None]
        assert [] == [lane for limits in kept for lane in limits.lanes._lanes]
        assert [] == [
            limits for limits in kept if (limits.lanes.due, limits.lanes.open, limits.lanes.held) != (0, 0, 0)
        ]
        self.lab.close()


TestLanes = _Lanes.TestCase
TestLanes.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
