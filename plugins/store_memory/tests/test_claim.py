"""Handing out work."""

from threading import Lock
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugins.store_memory.tests.lab import Lab

from rota.model.errors import LeaseLost
from rota.model.query import InstanceFilter
from rota.model.records import Ending, WorkerRecord
from rota.model.state import State
from rota.store.contract import MAX_PROMOTED
from rota_store_memory.claim import claim
from rota_store_memory.enqueue import enqueue
from rota_store_memory.space import Space
from rota_store_memory.workers import renew

_PLACES = st.tuples(st.integers(0, 3), st.integers(-3, 3), st.sampled_from(["a", "b", "c"]), st.booleans())


@given(st.lists(_PLACES, max_size=30), st.integers(1, 7))
def test_any_mix_comes_out_in_ready_order(places: list[tuple[int, int, str, bool]], limit: int) -> None:
    """Claims hand out (rank, due, id) over all kinds asked for, whatever the order of arrival and the cancels."""
    lab = Lab()
    now_ms = lab.clock.now_ms()
    records = [lab.record(rank=rank, due_ms=now_ms + due, kind=kind) for rank, due, kind, _ in places]
    lab.store.enqueue(records)
    canceled = [record.id for record, (*_, cancel) in zip(records, places, strict=True) if cancel]
    lab.store.cancel(canceled)
    due = [record for record in records if (record.due_ms or 0) <= now_ms and record.id not in canceled]
    expected = sorted((record.rank, record.due_ms, record.id) for record in due)
    claimed: list[Any] = []
    while batch := lab.claim(limit=limit, kinds=("a", "b", "c")):
        claimed += [(claim.record.rank, claim.due_ms, claim.record.id) for claim in batch]
    assert expected == claimed


def test_claim_tells_all_about_the_attempt(lab: Lab) -> None:
    """A claim carries record, token, number of the attempt, due and start time; the instance says the same."""
    record = lab.record()
    lab.store.enqueue([record])
    lab.clock.advance(3)
    claim = lab.claim_one("w")
    assert (record, 1, record.created_ms, lab.clock.now_ms()) == (
        claim.record, claim.attempt, claim.due_ms, claim.started_ms,
    )  # fmt: skip
    snapshot = lab.get(record.id)
    assert (State.PROCESSING, 1, "w", claim.started_ms, claim.token) == (
        snapshot.state, snapshot.attempt, snapshot.worker, snapshot.started_ms, snapshot.token,
    )  # fmt: skip


def test_only_the_kinds_asked_for_are_handed_out(lab: Lab) -> None:
    """Other kinds stay, also when more kinds are asked for than there are; one named twice counts once."""
    one, two, other = lab.add(kind="one"), lab.add(kind="two"), lab.add(kind="other")
    assert [one, two] == lab.claimed_ids(kinds=("one", "two", "three", "two", "four", "five"))
    assert [other] == lab.claimed_ids(kinds=("other", "other"))


def test_limit_is_never_passed(lab: Lab) -> None:
    """At most `limit` are handed out, none for 0."""
    ids = lab.add_many(3)
    assert [] == lab.claimed_ids(limit=0)
    assert ids[:2] == lab.claimed_ids(limit=2)
    assert ids[2:] == lab.claimed_ids(limit=2)


def test_due_instance_of_worse_rank_precedes_a_better_one_not_due(lab: Lab) -> None:
    """Nothing due is passed over for something that is not."""
    better = lab.add(rank=0, delay_ms=1000)
    worse = lab.add(rank=9)
    assert [worse] == lab.claimed_ids()
    lab.clock.advance(1)
    assert [better] == lab.claimed_ids()


def test_promotion_is_bounded_per_claim(lab: Lab) -> None:
    """A claim makes at most `MAX_PROMOTED` delayed instances ready, the earliest due; later ones do the rest."""
    now_ms = lab.clock.now_ms()
    late = [lab.record(rank=0, due_ms=now_ms + 10) for _ in range(10)]
    early = [lab.record(rank=9, due_ms=now_ms + 5) for _ in range(MAX_PROMOTED)]
    lab.store.enqueue(late + early)
    lab.clock.advance(1)
    assert [early[0].id] == lab.claimed_ids(limit=1)
    assert [record.id for record in late] == lab.claimed_ids(limit=10)


def test_repeated_seq_answers_again_and_costs_no_attempt(lab: Lab) -> None:
    """The same seq returns the same claims, also an empty answer; an older seq returns nothing."""
    lab.beat("w")
    assert [] == lab.store.claim("w", 1, ["add"], 1)
    one, two = lab.add_many(2)
    assert [] == lab.store.claim("w", 1, ["add"], 1)
    first = lab.store.claim("w", 2, ["add"], 1)
    first_again = lab.store.claim("w", 2, ["add"], 1)
    assert first == first_again
    assert [one] == [claim.record.id for claim in first]
    assert (1, State.SCHEDULED) == (lab.get(one).attempt, lab.state(two))
    lab.store.claim("w", 3, ["add"], 1)
    assert [] == lab.store.claim("w", 2, ["add"], 1)


def test_answer_kept_for_a_repeat_is_no_alias(lab: Lab) -> None:
    """What the caller does to its list does not change the answer to a repeat."""
    lab.beat("w")
    lab.add()
    lab.store.claim("w", 1, ["add"], 1).clear()
    assert 1 == len(lab.store.claim("w", 1, ["add"], 1))


def test_tokens_rise_with_each_claim_of_an_instance(lab: Lab) -> None:
    """Every hand-out has a token above all earlier ones of the instance, also after a purge and the same id."""
    record = lab.record()
    tokens = []
    for ending in (Ending.RELEASED, Ending.CRASHED, Ending.COMPLETED):
        lab.store.enqueue([record])
        claim = lab.claim_one()
        tokens.append(claim.token)
        lab.settle(claim, ending)
    lab.purge_all()
    lab.store.enqueue([record])
    tokens.append(lab.claim_one().token)
    assert sorted(set(tokens)) == tokens


def test_worker_without_lease_is_refused(lab: Lab) -> None:
    """A claim needs a beat before; the error says so."""
    lab.add()
    with pytest.raises(LeaseLost, match="send a beat first"):
        lab.store.claim("nobody", 1, ["add"], 1)


def test_paused_kinds_are_left_alone_until_resumed(lab: Lab) -> None:
    """A pause holds back ready and delayed ones of its kinds alone; what runs goes on."""
    running = lab.add()
    claim = lab.claim_one()
    ready, delayed, other = lab.add(), lab.add(delay_ms=1000), lab.add(kind="other")
    lab.store.pause(["add"])
    lab.store.pause(["add"])
    lab.clock.advance(1)
    assert [other] == lab.claimed_ids(kinds=("add", "other"))
    lab.settle(claim)
    assert State.COMPLETED is lab.state(running)
    lab.store.resume(["add", "never seen"])
    assert [ready, delayed] == lab.claimed_ids()


@pytest.mark.parametrize("bound", [{"expires_after_ms": 1000}, {"expires_ms": 1_767_225_601_000}])
def test_expired_is_canceled_by_the_claim_that_meets_it(lab: Lab, bound: dict[str, int]) -> None:
    """From its end of wait on an instance is not started but CANCELED, reason "expired"; the next is handed out."""
    assert 1_767_225_600_000 == lab.clock.now_ms()
    early = lab.add(**bound)
    assert [early] == lab.claimed_ids()
    late, other = lab.add(**bound), lab.add()
    lab.clock.advance(1)
    assert [other] == lab.claimed_ids()
    snapshot = lab.get(late)
    assert (State.CANCELED, "expired", lab.clock.now_ms()) == (snapshot.state, snapshot.reason, snapshot.ended_ms)
    assert ["created", "scheduled", "canceled"] == lab.path(late)


def test_retry_of_a_started_one_does_not_expire(lab: Lab) -> None:
    """The wait that `expires` bounds is that for the first start."""
    lab.add(expires_after_ms=1000)
    lab.settle(lab.claim_one(), Ending.TERMINATED, retry_after_ms=5000)
    lab.clock.advance(5)
    assert [] == lab.store.reap()
    assert 2 == lab.claim_one().attempt


@pytest.mark.parametrize("ending", [Ending.CRASHED, Ending.RELEASED])
def test_one_that_was_claimed_does_not_expire(lab: Lab, ending: Ending) -> None:
    """What came back uncounted was started all the same: neither a claim nor a reap ends it as expired."""
    lab.add(expires_after_ms=1000)
    lab.settle(lab.claim_one(), ending)
    lab.clock.advance(5)
    assert [] == lab.store.reap()
    assert 1 == lab.claim_one().attempt


def test_cancel_of_one_that_came_back_leaves_the_others_expiring(lab: Lab) -> None:
    """A claimed one has left the order of the expiring for good, whatever becomes of it."""
    back, waiting = lab.add(expires_after_ms=1000), lab.add(kind="other", expires_after_ms=2000)
    lab.settle(lab.claim_one(), Ending.RELEASED)
    lab.store.cancel([back])
    lab.clock.advance(5)
    assert [waiting] == [moved.id for moved in lab.store.reap()]


def test_one_step_cancels_a_bounded_number_of_expired() -> None:
    """The lock is never held for more than `MAX_PROMOTED` of them."""
    lab, space = Lab(), Space("bounded", Lock())
    enqueue(space, [lab.record(expires_ms=1) for _ in range(MAX_PROMOTED + 10)], 0)
    renew(space, "w", 1000, WorkerRecord(id="w"), 0, 0)
    assert claim(space, "w", 1, ["add"], 1, 5) is None
    assert MAX_PROMOTED == space.queue("add").counts[State.CANCELED]


@pytest.mark.parametrize("delay", [{}, {"delay_ms": 1}])
def test_claim_looks_past_any_number_of_expired(lab: Lab, delay: dict[str, int]) -> None:
    """However many have expired before it, what is due is handed out by the claim that meets them."""
    expired = lab.add_many(2 * MAX_PROMOTED + 10, expires_after_ms=1, **delay)
    lab.clock.advance(1)
    due = lab.add(rank=9)
    assert [due] == lab.claimed_ids(limit=1)
    assert len(expired) == lab.store.count(InstanceFilter(states=frozenset({State.CANCELED})))
    assert [] == lab.claimed_ids()
