"""Instances that wait for others: released once, when the last parent has ended, or canceled with a failed one."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.store_memory.tests.lab import Lab

from rota.model.clock import SystemClock
from rota.model.query import PurgeFilter
from rota.model.records import Ending, EnqueueAnswer, Outcome, WorkerRecord
from rota.model.state import FINAL_STATES, State
from rota.store.contract import MAX_PARENTS
from rota_store_memory.store import open_store

_FAILURES = [Ending.TERMINATED, Ending.CANCELED, Ending.TIMED_OUT]


def _dependent(lab: Lab, *parents: str, **fields: object) -> str:
    return lab.add(depends_on=parents, kind="child", **fields)


def _finish(lab: Lab, ending: Ending = Ending.COMPLETED, kind: str = "add", limit: int = 1) -> None:
    for claim in lab.claim(limit=limit, kinds=(kind,)):
        lab.settle(claim, ending)


def _children(lab: Lab) -> list[str]:
    return lab.claimed_ids(kinds=("child",))


def test_dependent_is_released_when_its_last_parent_has_ended(lab: Lab) -> None:
    """Until then it is CREATED; its history tells both instants."""
    parents = lab.add_many(2)
    child = _dependent(lab, *parents)
    enqueued_ms = lab.clock.now_ms()
    assert ([], State.CREATED, enqueued_ms) == (_children(lab), lab.state(child), lab.get(child).due_ms)
    assert ["created"] == lab.path(child)
    _finish(lab)
    assert State.CREATED is lab.state(child)
    lab.clock.advance(3)
    _finish(lab)
    times = [(entry.state, entry.at_ms) for entry in lab.history(child)]
    assert [(State.CREATED, enqueued_ms), (State.SCHEDULED, enqueued_ms + 3000)] == times
    assert [child] == _children(lab)


def test_answer_tells_where_the_dependent_stands(lab: Lab) -> None:
    """CREATED while a parent has not ended, SCHEDULED after all of them, CANCELED after one that failed."""
    done, failed, live = lab.run(), lab.run(ending=Ending.TERMINATED), lab.add()
    records = [
        lab.record(depends_on=parents, on_parent_failure=how)
        for parents, how in [
            ((live, done), "cancel"),
            ((done,), "cancel"),
            ((failed, live), "cancel"),
            ((failed,), "run"),
        ]
    ]
    answers = lab.store.enqueue(records)
    assert ["added"] * 4 == [answer.status for answer in answers]
    expected = [State.CREATED, State.SCHEDULED, State.CANCELED, State.SCHEDULED]
    assert expected == [answer.state for answer in answers] == [lab.state(record.id) for record in records]
    assert ["created", "canceled"] == lab.path(records[2].id)
    assert [EnqueueAnswer("exists", record.id) for record in records] == lab.store.enqueue(records)


def test_parents_precede_dependents_in_one_call(lab: Lab) -> None:
    """What stands before it in the list is known, whatever its kind; what stands after it is not."""
    first, last = lab.record(kind="other"), lab.record()
    middle = lab.record(depends_on=(first.id, first.id))
    refused = lab.record(depends_on=(last.id,))
    answers = lab.store.enqueue([first, middle, refused, last])
    assert ["added", "added", "refused", "added"] == [answer.status for answer in answers]
    assert last.id in answers[2].error
    assert [None] == lab.store.get([refused.id])


def test_more_parents_than_may_be_are_refused(lab: Lab) -> None:
    """With the number, the bound, and what to do."""
    parents = tuple(lab.add_many(MAX_PARENTS + 1))
    refused, added = lab.store.enqueue([lab.record(depends_on=parents), lab.record(depends_on=parents[1:])])
    assert ("refused", "added") == (refused.status, added.status)
    assert "1,001 others, at most 1,000" in refused.error
    assert "group" in refused.error


@pytest.mark.parametrize("ending", _FAILURES)
def test_failed_parent_cancels_the_whole_subtree(lab: Lab, ending: Ending) -> None:
    """At once, with the reason "parent"; who said "run" runs, and what depends on that one waits on."""
    parent, other = lab.add(), lab.add(rank=9)
    child, runs = _dependent(lab, parent, other), _dependent(lab, parent, on_parent_failure="run")
    grandchild = _dependent(lab, child)
    after_run = _dependent(lab, runs)
    _finish(lab, ending)
    assert [State.CANCELED] * 2 == [lab.state(child), lab.state(grandchild)]
    assert ["parent"] * 2 == [lab.get(one).reason for one in (child, grandchild)]
    assert (State.SCHEDULED, State.CREATED) == (lab.state(runs), lab.state(after_run))
    _finish(lab)
    assert [runs] == _children(lab)
    assert State.CANCELED is lab.state(child)


def test_failed_attempt_that_is_retried_releases_nothing(lab: Lab) -> None:
    """Only a final end counts: neither a failure with a retry, nor a release."""
    parent = lab.add()
    child = _dependent(lab, parent)
    lab.settle(lab.claim_one(), Ending.TERMINATED, retry_after_ms=0)
    lab.settle(lab.claim_one(), Ending.RELEASED)
    assert State.CREATED is lab.state(child)
    _finish(lab)
    assert State.SCHEDULED is lab.state(child)


def test_poisoned_and_expired_parents_cancel_too(lab: Lab) -> None:
    """Every way to an end counts, whoever brings it about."""
    lab.beat("dead", lease_ms=10)
    poisoned = lab.add(max_crashes=0)
    lab.claim("dead")
    expired = lab.add(expires_after_ms=5)
    children = [_dependent(lab, poisoned), _dependent(lab, expired)]
    lab.clock.advance(1)
    assert 2 == len(lab.store.reap())
    assert [State.CANCELED] * 2 == [lab.state(child) for child in children]


def test_chain_of_ten_thousand_ends_without_a_stack(lab: Lab) -> None:
    """The subtree of a failed parent may be of any depth."""
    ids = [lab.add()]
    for _ in range(10_000):
        ids.append(lab.add(depends_on=(ids[-1],)))
    assert ["canceled"] == lab.store.cancel(ids[:1])
    assert {State.CANCELED} == {lab.state(one) for one in ids}
    lab.purge_all()
    assert 0 == lab.held()


def test_delay_and_expiry_count_from_the_release(lab: Lab) -> None:
    """An absolute due time is kept."""
    parent = lab.add()
    far_ms = lab.clock.now_ms() + 60_000
    delayed = _dependent(lab, parent, delay_ms=500, expires_after_ms=2000)
    absolute = _dependent(lab, parent, due_ms=far_ms)
    lab.clock.advance(10)
    assert [] == lab.store.reap()
    _finish(lab)
    now_ms = lab.clock.now_ms()
    assert (now_ms + 500, now_ms + 2000) == (lab.get(delayed).due_ms, lab.get(delayed).expires_ms)
    assert far_ms == lab.get(absolute).due_ms
    lab.clock.advance(0.499)
    assert [] == _children(lab)
    lab.clock.advance(2)
    assert [delayed] == [one.id for one in lab.store.reap()]


def test_absolute_expiry_ends_one_that_waits(lab: Lab) -> None:
    """Also when its parents never end; its own dependents end with it."""
    parent = lab.add()
    child = _dependent(lab, parent, expires_ms=lab.clock.now_ms() + 10)
    grandchild = _dependent(lab, child)
    lab.clock.advance(1)
    assert [(child, "expired")] == [(one.id, one.reason) for one in lab.store.reap()]
    assert [State.CANCELED, "parent"] == [lab.state(grandchild), lab.get(grandchild).reason]
    lab.store.cancel([parent])
    lab.purge_all()
    assert 0 == lab.held()


def test_waiting_one_is_canceled_and_its_parents_go_on(lab: Lab) -> None:
    """A cancel of CREATED is at once; `where` tells the states apart."""
    parent = lab.add()
    child, spared = _dependent(lab, parent), _dependent(lab, parent)
    assert ["changed"] == lab.store.cancel([child], frozenset({State.SCHEDULED}))
    assert ["canceled"] == lab.store.cancel([child], frozenset({State.CREATED}))
    assert (State.CANCELED, State.SCHEDULED) == (lab.state(child), lab.state(parent))
    _finish(lab)
    assert [spared] == _children(lab)


def test_unique_key_is_held_while_waiting(lab: Lab) -> None:
    """And free again when a failed parent took its holder along."""
    parent = lab.add()
    holder = _dependent(lab, parent, unique_key="k")
    again = lab.record(kind="child", unique_key="k")
    assert [EnqueueAnswer("duplicate", holder)] == lab.store.enqueue([again])
    lab.store.cancel([parent])
    assert ["added"] == [answer.status for answer in lab.store.enqueue([again])]


def test_parent_stays_until_its_dependents_are_final(lab: Lab) -> None:
    """They find its result; a purge passes it over, by age and by id, and takes those behind it."""
    parent, other = lab.run(), lab.run()
    child = _dependent(lab, parent)
    assert 0 == lab.store.purge(PurgeFilter(ids=(parent,)))
    assert 1 == lab.store.purge(PurgeFilter(), 1)
    assert [None] == lab.store.get([other])
    assert 0 == lab.store.purge(PurgeFilter())
    (claim,) = lab.claim(kinds=("child",))
    assert (child, 0) == (claim.record.id, lab.store.purge(PurgeFilter()))
    lab.settle(claim)
    assert 2 == lab.store.purge(PurgeFilter())
    lab.store.retire("w")
    assert 0 == lab.held()


def test_dependents_are_found_and_counted(lab: Lab) -> None:
    """By state CREATED, by parent (an edge, or the job that scheduled it), and in the counters."""
    parent = lab.add()
    child, scheduled = _dependent(lab, parent), lab.add(parent=parent)
    assert [child] == lab.find_all(states=frozenset({State.CREATED}))
    assert [scheduled, child] == lab.find_all(parent=parent)
    (stats,) = lab.store.stats(["child"])
    assert {State.CREATED: 1} == stats.counts
    _finish(lab)
    (stats,) = lab.store.stats(["child"])
    assert {State.SCHEDULED: 1} == stats.counts


def test_progress_of_a_waiting_one_is_the_part_that_has_ended(lab: Lab) -> None:
    """Of its parents, each counted once."""
    parents = [*lab.add_many(3), lab.run()]
    child = _dependent(lab, *parents, parents[0])
    assert 0.25 == lab.get(child).progress
    _finish(lab)
    assert 0.5 == lab.get(child).progress
    _finish(lab, limit=2)
    assert (State.SCHEDULED, None) == (lab.state(child), lab.get(child).progress)


def test_changes_tell_of_wait_and_release(lab: Lab) -> None:
    """CREATED with the enqueue, SCHEDULED with the release, CANCELED with a failed parent."""
    cursor = lab.store.changes(None).cursor
    parent = lab.add()
    child, doomed = _dependent(lab, parent), _dependent(lab, lab.add(rank=9))
    _finish(lab)
    _finish(lab, Ending.TERMINATED)
    told = [(one.id, one.transition.state.value) for one in lab.store.changes(cursor).changes]
    assert ["created", "scheduled"] == [state for one, state in told if one == child]
    assert ["created", "canceled"] == [state for one, state in told if one == doomed]


def test_followups_may_depend_on_what_they_follow(lab: Lab) -> None:
    """On the instance that ends in the same step, and on one another."""
    lab.add()
    claim = lab.claim_one()
    first = lab.record(depends_on=(claim.record.id,))
    second = lab.record(depends_on=(first.id, claim.record.id))
    lab.settle(claim, followups=(first, second))
    assert [State.SCHEDULED, State.CREATED] == [lab.state(first.id), lab.state(second.id)]


def test_release_wakes_who_waits_for_work(lab: Lab) -> None:
    """A claim that blocks on the dependent's kind is answered by the settle that releases it."""
    lab.beat("v")
    child = _dependent(lab, lab.add())
    waiting = lab.blocked(lambda: lab.store.claim("v", 1, ["child"], 1, 5000))
    _finish(lab)
    assert [child] == [claim.record.id for claim in waiting.result(10)]


def test_parent_with_a_thousand_dependents_releases_each_once(lab: Lab) -> None:
    """All of them, in one step."""
    parent = lab.add()
    children = [_dependent(lab, parent) for _ in range(1000)]
    _finish(lab)
    claimed = lab.claimed_ids(kinds=("child",), limit=2000)
    assert children == claimed


def test_two_parents_settled_at_once_release_once() -> None:
    """Five hundred times, by two threads at a time."""
    lab = Lab(SystemClock())  # type: ignore[arg-type]
    store = open_store("memory://", clock=SystemClock())
    for worker in ("a", "b"):
        store.beat(worker, 60_000, WorkerRecord(id=worker))
    barrier = Barrier(2)

    def settle(outcome: Outcome) -> None:
        barrier.wait(30)
        store.settle([outcome])

    with ThreadPoolExecutor(2) as pool:
        for turn in range(1, 501):
            parents = [lab.record(), lab.record()]
            child = lab.record(kind="child", depends_on=tuple(parent.id for parent in parents))
            store.enqueue([*parents, child])
            claims = [store.claim(worker, 2 * turn, ["add"], 1)[0] for worker in ("a", "b")]
            outcomes = [Outcome(one.record.id, one.token, Ending.COMPLETED) for one in claims]
            list(pool.map(settle, outcomes))
            released = store.claim("a", 2 * turn + 1, ["child"], 10)
            assert [child.id] == [one.record.id for one in released]
            store.settle([Outcome(one.record.id, one.token, Ending.COMPLETED) for one in released])
    assert [{State.COMPLETED: 1000}, {State.COMPLETED: 500}] == [kind.counts for kind in store.stats()]


class _Naive:
    """What the contract says of dependencies, one rule after the other until nothing changes any more."""

    def __init__(self) -> None:
        self.parents: dict[str, list[str]] = {}
        self.runs: dict[str, bool] = {}
        self.state: dict[str, State] = {}

    def add(self, one: str, parents: list[str], runs: bool) -> None:
        self.parents[one], self.runs[one], self.state[one] = parents, runs, State.CREATED
        self.settle_down()

    def end(self, one: str, state: State) -> None:
        self.state[one] = state
        self.settle_down()

    def settle_down(self) -> None:
        changed = True
        while changed:
            changed = False
            for one in [one for one, state in self.state.items() if state is State.CREATED]:
                states = [self.state[parent] for parent in self.parents[one]]
                failed = any(state in FINAL_STATES and state is not State.COMPLETED for state in states)
                if failed and not self.runs[one]:
                    self.state[one], changed = State.CANCELED, True
                elif all(state in FINAL_STATES for state in states):
                    self.state[one], changed = State.SCHEDULED, True


_STATE_OF = {
    Ending.COMPLETED: State.COMPLETED, Ending.TERMINATED: State.TERMINATED,
    Ending.CANCELED: State.CANCELED, Ending.TIMED_OUT: State.TIMED_OUT,
}  # fmt: skip


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_any_graph_with_any_endings_is_as_the_rules_say(seed: int, steps: int) -> None:
    """A random acyclic graph that grows while it runs, against the rules applied one by one; nothing is left over."""
    rng, lab, naive = random.Random(seed), Lab(), _Naive()
    for _ in range(steps):
        action = rng.random()
        known = list(naive.state)
        if action < 0.6:
            parents = rng.sample(known, rng.randint(0, min(3, len(known))))
            runs = rng.random() < 0.3
            one = lab.add(depends_on=tuple(parents), on_parent_failure="run" if runs else "cancel")
            naive.add(one, parents, runs)
        elif action < 0.9:
            for claim in lab.claim(limit=rng.randint(1, 2)):
                ending = rng.choice([Ending.COMPLETED, Ending.COMPLETED, *_FAILURES])
                lab.settle(claim, ending)
                naive.end(claim.record.id, _STATE_OF[ending])
        elif known:
            one = rng.choice(known)
            if ["canceled"] == lab.store.cancel([one]):
                naive.end(one, State.CANCELED)
        assert naive.state == {one: lab.state(one) for one in naive.state}
    while claims := lab.claim(limit=3):
        for claim in claims:
            lab.settle(claim)
            naive.end(claim.record.id, State.COMPLETED)
    assert naive.state == {one: lab.state(one) for one in naive.state}
    assert all(state in FINAL_STATES for state in naive.state.values())
    lab.store.retire("w")
    lab.purge_all()
    assert 0 == lab.held()
