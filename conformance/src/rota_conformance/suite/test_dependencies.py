"""DEP: instances that wait for others."""

from functools import partial
from typing import Any

import pytest

from rota.model.query import PurgeFilter
from rota.model.records import Ending, EnqueueAnswer, Outcome, TransitionRecord
from rota.model.state import State
from rota.store.contract import MAX_BATCH, MAX_PARENTS
from rota_conformance.lab import KIND, Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_LONG_MS = 600_000
_FAILURES = [Ending.TERMINATED, Ending.TIMED_OUT, Ending.CANCELED, Ending.CRASHED]


def _child(lab: Lab, *parents: str, **fields: Any) -> str:
    """An instance of kind "child" that waits for these."""
    record = lab.record(kind="child", depends_on=parents, **fields)
    assert [EnqueueAnswer("added", record.id, state=State.CREATED)] == [
        EnqueueAnswer(answer.status, answer.id, error=answer.error, state=answer.state)
        for answer in lab.store.enqueue([record])
    ]
    return record.id


def _end(lab: Lab, one: str, ending: Ending = Ending.COMPLETED) -> None:
    """Claim everything of kind "add", end that one so, give the others back, and let later steps be done."""
    for claim in lab.claim():
        lab.settle(claim, ending if claim.record.id == one else Ending.RELEASED)
    _later(lab)


def _later(lab: Lab) -> None:
    """What one step can't carry later ones do."""
    for _ in range(10):
        lab.store.reap()


@proves("DEP-1")
@pytest.mark.parametrize("number", [1, 2, 3, 17])
def test_dependent_is_released_when_its_last_parent_has_ended(lab: Lab, number: int) -> None:
    """Until then it is CREATED, and no claim takes it; then it is SCHEDULED, once, due at once."""
    parents = lab.add_many(number)
    child = _child(lab, *parents)
    claims = lab.claim()
    for n, claim in enumerate(lab.rng.sample(claims, len(claims)), 1):
        assert (State.CREATED, ["created"]) == (lab.state(child), lab.path(child))
        assert [] == lab.claim("v", kinds=("child",))
        before_ms = lab.store.now_ms()
        lab.settle(claim)
        assert (n == number) == (lab.state(child) is State.SCHEDULED)
    created, scheduled = lab.history(child)
    assert before_ms <= scheduled.at_ms <= lab.store.now_ms()
    assert TransitionRecord(State.SCHEDULED, scheduled.at_ms) == scheduled
    assert created.at_ms <= scheduled.at_ms
    _later(lab)
    assert [child] == lab.claimed_ids("v", kinds=("child",))
    assert ["created", "scheduled", "processing"] == lab.path(child)


@proves("DEP-1")
def test_parent_that_goes_back_to_the_queue_has_not_ended(lab: Lab) -> None:
    """A retry, a release, a crash is no end; a settle that is repeated, or lost, releases nothing more."""
    parent = lab.add()
    child = _child(lab, parent)
    for ending in (Ending.TERMINATED, Ending.RELEASED, Ending.CRASHED):
        options: dict[str, Any] = {"retry_after_ms": 0} if ending is Ending.TERMINATED else {}
        stale = lab.claim_one()
        lab.settle(stale, ending, **options)
        assert State.CREATED is lab.state(child)
    claim = lab.claim_one()
    lab.settle(stale)
    assert State.CREATED is lab.state(child)
    for _ in range(3):
        lab.settle(claim)
        _later(lab)
    assert ["created", "scheduled"] == lab.path(child)


@proves("DEP-1")
def test_chain_runs_in_its_order(lab: Lab) -> None:
    """Each comes due with the end of the one before; a parent that is named twice is one parent."""
    first = lab.add()
    chain = [first]
    for _ in range(4):
        chain.append(_child(lab, chain[-1], chain[-1]))
    ran = []
    for _ in chain:
        (claim,) = lab.claim(kinds=(KIND, "child"))
        ran.append(claim.record.id)
        lab.settle(claim)
    assert chain == ran


@proves("DEP-1")
def test_dependents_are_found_by_their_parent(lab: Lab) -> None:
    """`Query.parent` finds what depends on an instance, and counts of states tell those that wait."""
    parents = lab.add_many(2)
    children = [_child(lab, *parents), _child(lab, parents[1])]
    scheduled_in = lab.add(parent=parents[0])
    assert {children[0], scheduled_in} == set(lab.find_all(parent=parents[0]))
    assert set(children) == set(lab.find_all(parent=parents[1]))
    assert set(children) == set(lab.find_all(states=frozenset({State.CREATED})))
    assert [{State.CREATED: 2}] == [entry.counts for entry in lab.store.stats(["child"])]
    assert [None] == [entry.oldest_due_ms for entry in lab.store.stats(["child"])]


@proves("DEP-2")
@pytest.mark.parametrize("ending", _FAILURES)
def test_failed_parent_cancels_its_dependents(lab: Lab, ending: Ending) -> None:
    """At once, whatever other parents do, reason "parent"; those of the dependents too; no others."""
    failing, other = lab.add(max_crashes=0, rank=1), lab.add(rank=2)
    child, apart = _child(lab, other, failing, unique_key="k"), _child(lab, other)
    grandchild = _child(lab, child)
    great = _child(lab, grandchild, other)
    _end(lab, failing, ending)
    for one in (child, grandchild, great):
        assert ["created", "canceled:parent"] == lab.path(one)
        assert lab.get(one).ended_ms is not None
    assert State.CREATED is lab.state(apart)
    _end(lab, other)
    assert [apart] == lab.claimed_ids(kinds=("child",))
    assert "added" == lab.store.enqueue([lab.record(kind="child", unique_key="k")])[0].status
    assert {child, grandchild, great} == set(lab.store.await_final([child, grandchild, great, apart], 0))


@proves("DEP-2")
@pytest.mark.parametrize("how", ["cancel", "expire", "reap"])
def test_parent_that_ends_without_an_outcome_cancels_too(lab: Lab, how: str) -> None:
    """Canceled in the queue, expired there, poison by the death of its worker."""
    parent = lab.add(max_crashes=0, expires_after_ms=lab.unit_ms if how == "expire" else None)
    child = _child(lab, parent)
    if how == "cancel":
        lab.store.cancel([parent])
    elif how == "expire":
        lab.pass_units(1)
    else:
        lab.beat("w", lab.short_ms)
        lab.claim("w")
        lab.reap_dead(lab.short_ms)
    _later(lab)
    assert (State.CANCELED, "parent") == (lab.state(child), lab.get(child).reason)


@proves("DEP-2")
@pytest.mark.parametrize("ending", _FAILURES)
def test_dependent_that_runs_after_failures_is_released(lab: Lab, ending: Ending) -> None:
    """With "run" any end of a parent counts; it is released with the last one."""
    failing, other = lab.add(max_crashes=0, rank=1), lab.add(rank=2)
    child = _child(lab, failing, other, on_parent_failure="run")
    canceled = _child(lab, failing)
    after = _child(lab, canceled, on_parent_failure="run")
    _end(lab, failing, ending)
    assert [State.CREATED, State.CANCELED, State.SCHEDULED] == [lab.state(one) for one in (child, canceled, after)]
    _end(lab, other)
    assert {child, after} == set(lab.claimed_ids(kinds=("child",)))


@proves("DEP-2")
def test_dependent_that_waits_is_canceled(lab: Lab) -> None:
    """By its id: at once, its own dependents with it; its parents go on, and release nobody."""
    parent = lab.add()
    child = _child(lab, parent)
    grandchild = _child(lab, child)
    assert ["changed", "canceled"] == [
        *lab.store.cancel([child], frozenset({State.SCHEDULED})),
        *lab.store.cancel([child], frozenset({State.CREATED})),
    ]  # fmt: skip
    _later(lab)
    assert (["created", "canceled"], ["created", "canceled:parent"]) == (lab.path(child), lab.path(grandchild))
    _end(lab, parent)
    assert (State.COMPLETED, []) == (lab.state(parent), lab.claim(kinds=("child",)))


@proves("DEP-3")
def test_parent_that_ended_before_counts(lab: Lab) -> None:
    """All of them ended: SCHEDULED at once, as the answer tells; one of them failed: CANCELED at once."""
    done, failed, live = lab.run(), lab.run(Ending.TERMINATED), lab.add()
    records = [
        lab.record(kind="child", depends_on=(done,)), lab.record(kind="child", depends_on=(done, live)),
        lab.record(kind="child", depends_on=(done, failed, live)),
        lab.record(kind="child", depends_on=(failed,), on_parent_failure="run"),
    ]  # fmt: skip
    answers = lab.store.enqueue(records)
    expected = [State.SCHEDULED, State.CREATED, State.CANCELED, State.SCHEDULED]
    assert [("added", state) for state in expected] == [(answer.status, answer.state) for answer in answers]
    assert expected == [lab.state(record.id) for record in records]
    assert "canceled:parent" == lab.path(records[2].id)[-1]
    assert [records[0].id, records[3].id] == lab.claimed_ids(kinds=("child",))


@proves("DEP-3")
def test_parents_come_in_the_same_call_before_their_dependents(lab: Lab) -> None:
    """In list order; one that comes later, or was never there, or is purged, is unknown, and the record is refused."""
    purged = lab.run()
    lab.purge_all()
    parent = lab.record()
    good = lab.record(kind="child", depends_on=(parent.id,))
    late = lab.record()
    records = [
        parent, good, lab.record(kind="child", depends_on=(late.id,)), late,
        lab.record(kind="child", depends_on=(parent.id, "f" * 32)), lab.record(kind="child", depends_on=(purged,)),
    ]  # fmt: skip
    answers = lab.store.enqueue(records)
    assert ["added", "added", "refused", "added", "refused", "refused"] == [answer.status for answer in answers]
    assert all(answer.error for answer in answers if answer.status == "refused")
    assert {parent.id, good.id, late.id} == set(lab.find_all())
    _end(lab, parent.id)
    assert [good.id] == lab.claimed_ids(kinds=("child",))


@proves("DEP-3")
def test_enqueue_repeated_is_the_same(lab: Lab) -> None:
    """A dependent that exists waits as it did, and is released once."""
    parent, other = lab.add(), lab.add()
    record = lab.record(kind="child", depends_on=(parent, other))
    for expected in ("added", "exists"):
        assert [expected] == [answer.status for answer in lab.store.enqueue([record])]
    _end(lab, parent)
    assert ["exists"] == [answer.status for answer in lab.client().enqueue([record])]
    assert State.CREATED is lab.state(record.id)
    _end(lab, other)
    assert ["created", "scheduled"] == lab.path(record.id)


@proves("DEP-4")
@pytest.mark.parametrize("number", [2, 4])
def test_parents_that_end_at_one_moment_release_once(lab: Lab, profile: Profile, number: int) -> None:
    """Settled by racing workers, in calls of their own: the dependent is released, and once."""
    stores = [lab.store, *(lab.client() for _ in range(number - 1))]
    lab.beat("w", _LONG_MS)
    for _ in range(profile.rounds):
        parents = lab.add_many(number)
        child = _child(lab, *parents)
        claims = lab.claim("w")
        assert number == len(claims)
        calls = [
            partial(lab.settle, claim, Ending.COMPLETED, store) for claim, store in zip(claims, stores, strict=True)
        ]
        assert {"done"} == {answer.status for answer in lab.race(*calls)}
        _later(lab)
        assert ["created", "scheduled"] == lab.path(child)
        lab.settle(lab.claim_one("w", kinds=("child",)))


@proves("DEP-4")
def test_parents_that_end_in_one_batch_release_once(lab: Lab) -> None:
    """The same in one call of settle."""
    parents = lab.add_many(5)
    children = [_child(lab, *parents) for _ in range(3)]
    lab.store.settle([Outcome(claim.record.id, claim.token, Ending.COMPLETED) for claim in lab.claim()])
    assert [["created", "scheduled"]] * 3 == [lab.path(one) for one in children]
    assert children == lab.claimed_ids(kinds=("child",))


@proves("DEP-4")
def test_end_and_enqueue_that_race_lose_no_dependent(lab: Lab, profile: Profile) -> None:
    """A parent that ends while a dependent is being added: it counts as ended, before or after."""
    other = lab.client()
    lab.beat("w", _LONG_MS)
    for _ in range(profile.rounds):
        lab.add()
        claim = lab.claim_one("w")
        record = lab.record(kind="child", depends_on=(claim.record.id,))
        lab.race(partial(lab.settle, claim), partial(other.enqueue, [record]))
        _later(lab)
        assert ["created", "scheduled"] == lab.path(record.id)
        lab.settle(lab.claim_one("w", kinds=("child",)))


@proves("DEP-5")
@pytest.mark.parametrize("ending", [Ending.COMPLETED, Ending.TERMINATED])
def test_parent_of_a_thousand_releases_or_cancels_them_all(lab: Lab, ending: Ending) -> None:
    """In one step or in several, by `reap` at the latest; each once."""
    parent = lab.add()
    children = [lab.record(kind="child", depends_on=(parent,)) for _ in range(MAX_BATCH)]
    assert {"added"} == {answer.status for answer in lab.store.enqueue(children)}
    lab.settle(lab.claim_one(), ending)
    for _ in range(MAX_BATCH):
        if not lab.find_all(states=frozenset({State.CREATED})):
            break
        lab.store.reap()
    expected = ["created", "scheduled" if ending is Ending.COMPLETED else "canceled:parent"]
    histories = lab.store.history([child.id for child in children])
    assert len(children) == sum(history is not None and len(history.entries) == 2 for history in histories)
    assert expected == lab.path(children[0].id) == lab.path(children[-1].id)
    claimed = [claim.record.id for claim in lab.claim_all(kinds=("child",), limit=400)]
    assert ([child.id for child in children] if ending is Ending.COMPLETED else []) == claimed


@proves("DEP-6")
def test_parent_stays_until_its_dependents_are_final(lab: Lab) -> None:
    """So that they find its result: purged neither while one waits, is queued or runs; afterwards it goes."""
    parent = lab.add()
    child, second = _child(lab, parent), _child(lab, parent)
    lab.settle(lab.claim_one(), result=b"r")
    assert 0 == lab.store.purge(PurgeFilter())
    assert 0 == lab.store.purge(PurgeFilter(ids=(parent,)))
    first, other = lab.claim(kinds=("child",))
    assert 0 == lab.store.purge(PurgeFilter())
    assert b"r" == lab.get(parent).result
    lab.settle(first)
    assert 1 == lab.store.purge(PurgeFilter())
    assert {parent, other.record.id} == set(lab.find_all())
    lab.settle(other)
    assert {child, second} == {first.record.id, other.record.id}
    assert 2 == lab.purge_all()
    assert [] == lab.find_all()


@proves("DEP-6")
def test_parent_that_stays_keeps_nobody_else(lab: Lab) -> None:
    """A purge goes past it to the others that match, and its limit counts what was removed."""
    held = [lab.run() for _ in range(3)]
    waiting = lab.add(kind="never")
    for one in held:
        _child(lab, one, waiting)
    lab.pass_ms(2)
    free = [lab.run() for _ in range(3)]
    assert 3 == lab.purge_all()
    assert [None] * 3 == lab.store.get(free)
    assert None not in lab.store.get(held)


@proves("DEP-7")
def test_delay_and_expiry_count_from_the_release(lab: Lab) -> None:
    """However long it waited for its parents before."""
    parent = lab.add()
    child = _child(lab, parent, delay_ms=2 * lab.unit_ms, expires_after_ms=_LONG_MS)
    lab.pass_units(3)
    before_ms = lab.store.now_ms()
    _end(lab, parent)
    snapshot = lab.get(child)
    assert (State.SCHEDULED, []) == (snapshot.state, lab.claim(kinds=("child",)))
    assert before_ms <= snapshot.due_ms - 2 * lab.unit_ms <= lab.store.now_ms()
    assert snapshot.expires_ms is not None
    assert before_ms <= snapshot.expires_ms - _LONG_MS <= lab.store.now_ms()
    lab.pass_units(2)
    assert [child] == lab.claimed_ids(kinds=("child",))


@proves("DEP-7")
def test_due_time_is_taken_as_it_is(lab: Lab) -> None:
    """`due_ms` is absolute: released before it, the dependent waits for it; released after it, it is due."""
    due_ms = lab.store.now_ms() + 3 * lab.unit_ms
    parent = lab.add()
    later, at_once = _child(lab, parent, due_ms=due_ms), _child(lab, parent, due_ms=5)
    _end(lab, parent)
    assert [due_ms, 5] == [lab.get(one).due_ms for one in (later, at_once)]
    assert [at_once] == lab.claimed_ids(kinds=("child",))
    lab.pass_ms(max(0, due_ms - lab.store.now_ms()))
    assert [later] == lab.claimed_ids(kinds=("child",))


@proves("DEP-8")
def test_what_waits_for_its_parents_expires_too(lab: Lab) -> None:
    """`expires_ms` holds for CREATED: at that time it is CANCELED, and its own dependents with it; the parent's end
    releases it no more. `expires_after_ms` does not count yet."""
    parent = lab.add()
    expires_ms = lab.store.now_ms() + 2 * lab.unit_ms
    expiring, lasting = _child(lab, parent, expires_ms=expires_ms), _child(lab, parent, expires_after_ms=lab.unit_ms)
    grandchild = _child(lab, expiring)
    lab.pass_units(2)
    _later(lab)
    assert (["created", "canceled:expired"], ["created", "canceled:parent"]) == (
        lab.path(expiring),
        lab.path(grandchild),
    )
    assert State.CREATED is lab.state(lasting)
    _end(lab, parent)
    assert [lasting] == lab.claimed_ids(kinds=("child",))


@proves("DEP-9")
def test_progress_of_one_that_waits_is_the_part_of_its_parents_that_ended(lab: Lab) -> None:
    """From none to all but one; once it is released its progress is its own."""
    child = _child(lab, *lab.add_many(4))
    assert 0 == lab.get(child).progress
    for n, claim in enumerate(lab.claim(), 1):
        lab.settle(claim)
        assert (n / 4 if n < 4 else None) == lab.get(child).progress


@proves("DEP-9")
def test_one_may_depend_on_as_many_as_are_allowed(lab: Lab) -> None:
    """The largest fan-in waits for the very last of them."""
    parents = lab.add_many(MAX_PARENTS)
    child = _child(lab, *parents)
    claims = lab.claim_all(limit=500)
    *most, last = [Outcome(claim.record.id, claim.token, Ending.COMPLETED) for claim in claims]
    for start in range(0, len(most), 250):
        lab.store.settle(most[start : start + 250])
    assert (State.CREATED, (MAX_PARENTS - 1) / MAX_PARENTS) == (lab.state(child), lab.get(child).progress)
    lab.store.settle([last])
    _later(lab)
    assert [child] == lab.claimed_ids(kinds=("child",))
