"""FLT: replies that are lost, and faults anywhere, by a seed."""

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from rota.model.query import InstanceFilter, LogFilter, PurgeFilter
from rota.model.records import Claim, Document, Ending, KindDescriptor, LogRecord, Outcome, WorkerRecord
from rota.model.state import MOVES, State
from rota.store.contract import Store
from rota_conformance.faults import OPERATIONS, again, lose_reply, seeded
from rota_conformance.harness import StoreHarness
from rota_conformance.lab import KIND, Lab
from rota_conformance.likeness import Likeness
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_ENDINGS = (Ending.COMPLETED, Ending.TERMINATED, Ending.RELEASED, Ending.CRASHED, Ending.TIMED_OUT)


def _prepare(lab: Lab) -> list[Claim]:
    """A namespace in which every operation finds something to do."""
    lab.add(unique_key="taken", rank=2)
    ended = lab.run()
    lab.store.append_logs([LogRecord(ended, 1, 1, 0, 20, "told")])
    for rank in range(-4, 0):  # so that their order does not rest on the millisecond in which one comes back
        lab.add(rank=rank)
    claims = lab.claim("holder", limit=2)
    lab.store.cancel([claims[1].record.id])
    lab.store.put_kinds([KindDescriptor(kind=KIND)])
    lab.store.put_schedule(lab.rule(next_slot_ms=lab.store.now_ms(), overlap="allow"))
    lab.store.save([Document("there", b"1")])
    lab.store.pause(["paused"])
    return claims


def _calls(lab: Lab, claims: list[Claim]) -> dict[str, Callable[[Store], Any]]:
    """A call of each operation that can be repeated word for word."""
    new, key_taken = lab.record(rank=0), lab.record(unique_key="taken")
    follow_up = lab.record(rank=3)
    settled = [
        Outcome(claims[0].record.id, claims[0].token, Ending.TERMINATED, retry_after_ms=0),
        Outcome(claims[1].record.id, claims[1].token, Ending.RELEASED, followups=(follow_up,)),
    ]
    queued = lab.find_all(states=frozenset({State.SCHEDULED}))
    (rule,) = lab.store.schedules()
    changed = replace(rule, misfire="all", version=0)
    line = LogRecord(claims[0].record.id, claims[0].token, 1, 0, 20, "a line")
    fired = lab.record(schedule="rule", slot_ms=rule.next_slot_ms)
    slot_ms = rule.next_slot_ms or 0
    return {
        "clear": lambda store: store.clear(force=True),
        "now_ms": lambda store: _done(store.now_ms()),
        "enqueue": lambda store: _done([one.status for one in store.enqueue([new, key_taken])]),
        "claim": lambda store: [one.record.id for one in store.claim("holder", 10**6, [KIND], 2)],
        "settle": lambda store: [one.state for one in store.settle(settled)],
        "cancel": lambda store: _done(store.cancel(queued[:1])),
        "reap": lambda store: _done(store.reap()),
        "pause": lambda store: store.pause([KIND]),
        "resume": lambda store: store.resume(["paused"]),
        "beat": lambda store: len(store.beat("holder", lab.lease_ms, WorkerRecord(id="holder")).cancels),
        "retire": lambda store: store.retire("holder"),
        "workers": lambda store: [one.id for one in store.workers()],
        "resize": lambda store: store.resize("holder", 7),
        "wait": lambda store: store.wait("holder", [KIND], 0),
        "put_kinds": lambda store: store.put_kinds([KindDescriptor(kind="new")]),
        "kinds": lambda store: [one.kind for one in store.kinds()],
        "put_schedule": lambda store: store.put_schedule(changed).misfire,
        "patch_schedule": lambda store: _done(store.patch_schedule(rule, paused=True, next_slot_ms=None)),
        "drop_schedule": lambda store: _done(store.drop_schedule("rule")),
        "schedules": lambda store: [one.name for one in store.schedules()],
        "sync_schedules": lambda store: store.sync_schedules("owner", "print", None, [lab.rule("declared")]),
        "due_schedules": lambda store: [one.name for one in store.due_schedules()[0]],
        "fire": lambda store: _done(store.fire(rule, slot_ms, slot_ms + lab.unit_ms, [fired])),
        "get": lambda store: [one is None for one in store.get([*queued, "0" * 32])],
        "find": lambda store: len(store.find(InstanceFilter()).items),
        "count": lambda store: store.count(InstanceFilter()),
        "stats": lambda store: [one.counts for one in store.stats([KIND])],
        "history": lambda store: [one is None for one in store.history(queued)],
        "append_logs": lambda store: store.append_logs([line, replace(line, n=2, progress=0.5)]),
        "logs": lambda store: [one.message for one in store.logs(LogFilter(id=line.id)).lines],
        "await_final": lambda store: store.await_final(queued, 0),
        "changes": lambda store: len(store.changes().changes),
        "purge": lambda store: _done(store.purge(PurgeFilter())),
        "drop_logs": lambda store: _done(store.drop_logs(PurgeFilter())),
        "load": lambda store: [one is None for one in store.load(["there", "not there"])],
        "save": lambda store: _done(store.save([Document("new", b"1")])),
        "scan": lambda store: [one.key for one in store.scan("")[0]],
    }


def _done(_: object) -> None:
    """What the repeated call answers may differ: `added` and `exists`, say."""


def _standing(lab: Lab) -> dict[str, Any]:
    """All that can be read, in a form that does not depend on tokens, versions and ids."""
    form, ids = Likeness(timed=False), lab.find_all(newest_first=False)
    name = {one: number for number, one in enumerate(ids)}
    told = {one: form.snapshot(lab.get(one)) or {} for one in ids}
    counted = [{state: number for state, number in one.counts.items() if number} for one in lab.store.stats([KIND])]
    return {
        "instances": [{**told[one], "record": name[one]} for one in ids],
        "histories": [form.history(one) for one in lab.store.history(ids)],
        "logs": [[line.message for line in lab.store.logs(LogFilter(id=one)).lines] for one in ids],
        "counts": counted,
        "due": [name[one.record.id] for one in lab.claim("looks", kinds=(KIND, "paused"))],
        "workers": [one.id for one in lab.store.workers()],
        "kinds": [one.kind for one in lab.store.kinds()],
        "rules": [(one.name, one.misfire, one.paused, one.last_slot_ms is None) for one in lab.store.schedules()],
        "documents": [(one.key, one.value) for one in lab.store.scan("")[0]],
    }


@proves("FLT-1")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operation_repeated_after_a_lost_reply_has_the_effect_of_one(
    harness: StoreHarness, seed: int, operation: str
) -> None:
    """The reply is lost, the same call comes again: all stands as in a twin that was called once."""
    standing = []
    for tries in (1, 2):
        lab = Lab(harness, seed)
        try:
            if operation == "changes" and not lab.has("changes"):
                pytest.skip("not declared")
            call = _calls(lab, _prepare(lab))[operation]
            store = lose_reply(lab.store, operation) if tries == 2 else None
            answer = again(lambda: call(lab.store if store is None else store.as_store))  # noqa: B023 - called at once
            assert store is None or store.lost == 1, "the reply was not lost: the test does not call the operation"
            standing.append(({} if operation == "claim" else answer, _standing(lab)))
        finally:
            lab.close()
    once, twice = standing
    assert once == twice


class _Workload:
    """Producers, workers and an operator over one store whose calls fail, told by one seed, in one thread."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self.lab = lab
        self.rng = random.Random(seed)
        self.faulty = seeded(lab.store, seed)
        self.store = self.faulty.as_store
        self.ids: list[str] = []
        self.keys: dict[str, str] = {}
        self.tokens: dict[str, list[int]] = {}
        self.done: dict[tuple[str, int], int] = {}
        self.held: list[Claim] = []
        self.seqs = dict.fromkeys(("one", "two"), 0)

    def step(self) -> None:
        """Something that somebody does."""
        self.rng.choice((self.produce, self.work, self.work, self.settle, self.settle, self.settle, self.operate))()

    def produce(self) -> None:
        """Ask for some, one of them under a key."""
        key = self.rng.choice(("red", "green"))
        records = [self.lab.record(max_crashes=2), self.lab.record(unique_key=key)]
        answers = again(lambda: self.store.enqueue(records))
        for record, answer in zip(records, answers, strict=True):
            if answer.status in ("added", "exists"):  # exists: it was added by a call whose reply was lost
                self.ids.append(record.id)
            else:
                assert answer.status == "duplicate", answer

    def work(self) -> None:
        """Beat and claim."""
        worker = self.rng.choice(tuple(self.seqs))
        again(lambda: self.store.beat(worker, self.lab.lease_ms, WorkerRecord(id=worker)))
        self.seqs[worker] += 1
        claims = again(lambda: self.store.claim(worker, self.seqs[worker], [KIND], 3))
        for claim in claims:
            tokens = self.tokens.setdefault(claim.record.id, [])
            assert not tokens or tokens[-1] < claim.token, "tokens rise"
            tokens.append(claim.token)
        self.held += claims

    def settle(self) -> None:
        """End an attempt; a claim that was settled may come again."""
        if not self.held:
            return
        claim = self.rng.choice(self.held)
        ending = self.rng.choice(_ENDINGS)
        retry_ms = 0 if ending in (Ending.TERMINATED, Ending.TIMED_OUT) and self.rng.random() < 0.5 else None
        outcome = Outcome(claim.record.id, claim.token, ending, retry_after_ms=retry_ms)
        (answer,) = again(lambda: self.store.settle([outcome]))
        if answer.status == "done":
            operation = claim.record.id, claim.token
            self.done[operation] = self.done.get(operation, 0) + 1
        if self.rng.random() < 0.7:
            self.held.remove(claim)

    def operate(self) -> None:
        """Cancel one, reap, and look at the pages."""
        if self.ids:
            instance_id = self.rng.choice(self.ids)
            again(lambda: self.store.cancel([instance_id]))
        again(self.store.reap)
        keyed = [one for one in again(lambda: self.store.find(InstanceFilter(), None, 1000)).items if self._holds(one)]
        assert len({one.record.unique_key for one in keyed}) == len(keyed), "a key has two holders"

    @staticmethod
    def _holds(snapshot: Any) -> bool:
        return snapshot.record.unique_key is not None and not snapshot.state.final

    def finish(self) -> None:
        """Let both workers go, and run what is left."""
        for worker in self.seqs:
            again(lambda: self.store.retire(worker))  # noqa: B023 - called at once
        while claims := self.lab.claim("last"):
            for claim in claims:
                self.lab.settle(claim)

    def check(self) -> None:
        """Nothing is lost, each has one end, each history is a path, no attempt was ended twice."""
        assert sorted(self.ids) == sorted(self.lab.find_all()), "lost, or made twice"
        assert all(times == 1 for times in self.done.values()), "an attempt was ended twice"
        for instance_id in self.ids:
            states: list[State | None] = [None, *(entry.state for entry in self.lab.history(instance_id))]
            steps = list(pairwise(states))
            assert all(after in MOVES[before] for before, after in steps if after is not None), states
            assert states[-1] is self.lab.state(instance_id)
            assert self.lab.state(instance_id).final
            assert self._tokens_end(instance_id)

    def _tokens_end(self, instance_id: str) -> bool:
        tokens = self.tokens.get(instance_id, [])
        return not tokens or tokens[-1] <= self.lab.get(instance_id).token


@proves("FLT-2")
def test_invariants_hold_under_seeded_faults_of_every_operation(
    harness: StoreHarness, profile: Profile, seed: int
) -> None:
    """5 % of the calls fail before, 5 % after; callers repeat them: nothing is lost, doubled or out of order."""
    lost = 0
    for number in range(seed, seed + profile.seeds):
        lab = Lab(harness, number)
        workload = _Workload(lab, number)
        try:
            for _ in range(200):
                workload.step()
            workload.finish()
            workload.check()
            lost += workload.faulty.lost
        except AssertionError as error:
            raise AssertionError(f"with seed {number} (--rota-seed={number}): {error}") from error
        finally:
            lab.close()
    assert lost > 10 * profile.seeds, "hardly a fault was met"
