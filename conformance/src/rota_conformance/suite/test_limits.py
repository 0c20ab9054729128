"""LIM: no more than so many at a time, of a lane and of a kind."""

from functools import partial
from threading import Lock

import pytest

from rota.model.records import Claim, Ending, KindDescriptor, LimitRecord
from rota.model.state import State
from rota.store.contract import MAX_BATCH, Store
from rota_conformance.hostile import TEXTS, huge_text
from rota_conformance.lab import KIND, Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_LONG_MS = 600_000


def _limit(lab: Lab, *, lane: int | None = None, gate: int | None = None, kind: str = KIND) -> None:
    """Publish a kind with these bounds."""
    limits = [LimitRecord(lane, key="{tenant}")] * (lane is not None) + [LimitRecord(gate)] * (gate is not None)
    lab.store.put_kinds([KindDescriptor(kind=kind, limits=tuple(limits))])


@proves("LIM-1")
def test_no_lane_has_more_running_than_its_bound(lab: Lab) -> None:
    """Over several workers, clients and claims; what has no lane is not bound by it."""
    _limit(lab, lane=2)
    for lane in ("a", "b", None):
        lab.add_many(4, lane=lane)
    claims = lab.claim("w", limit=5) + lab.claim("v", store=lab.client()) + lab.claim("w")
    lanes = [claim.record.lane for claim in claims]
    assert (2, 2, 4) == (lanes.count("a"), lanes.count("b"), lanes.count(None))
    assert [] == lab.claim("u")
    for claim in claims:
        lab.settle(claim)
    assert {("a", State.PROCESSING), ("b", State.PROCESSING)} == {
        (claim.record.lane, lab.state(claim.record.id)) for claim in lab.claim("u")
    }
    assert 4 == lab.store.stats()[0].counts[State.PROCESSING]


@proves("LIM-1")
def test_lane_goes_in_ready_order(lab: Lab) -> None:
    """One after the other, by rank, whatever the order in which they came."""
    _limit(lab, lane=1)
    ids = {rank: lab.add(lane="a", rank=rank) for rank in (5, 1, 4, 2, 3)}
    ran = []
    for _ in ids:
        claim = lab.claim_one()
        ran.append(claim.record.id)
        lab.settle(claim)
    assert [ids[rank] for rank in (1, 2, 3, 4, 5)] == ran


@proves("LIM-1")
def test_bound_holds_while_claimers_race(lab: Lab, profile: Profile) -> None:
    """At no moment are there more running than allowed, however many claim and settle at once, and all are run."""
    _limit(lab, lane=1, gate=3)
    number = min(profile.rounds, 60)
    for n in range(number):
        lab.add(lane=f"lane-{n % 5}")
    running: list[str] = []
    most: list[tuple[int, int]] = []
    lock = Lock()

    def work(store: Store, worker: str) -> int:
        store_claims = 0
        for _ in range(50 * number):
            claims = lab.claim(worker, limit=2, store=store)
            with lock:
                running.extend(claim.record.lane or "" for claim in claims)
                most.append((len(running), max(map(running.count, running), default=0)))
            for claim in claims:
                with lock:
                    running.remove(claim.record.lane or "")
                lab.settle(claim, store=store)
            store_claims += len(claims)
            if not store.stats()[0].counts.get(State.SCHEDULED):
                break
        return store_claims

    for worker in "abc":
        lab.beat(worker, _LONG_MS)
    stores = [lab.store, lab.client(), lab.client()]
    done = lab.race(*(partial(work, store, worker) for store, worker in zip(stores, "abc", strict=True)))
    assert number == sum(done)
    assert max(total for total, _ in most) <= 3
    assert max(lane for _, lane in most) <= 1


@proves("LIM-1", "ENQ-10")
def test_lanes_of_any_name_are_their_own(lab: Lab) -> None:
    """Each is another lane, with a bound of its own."""
    _limit(lab, lane=1)
    lanes = ["", *TEXTS, huge_text()]
    for lane in lanes:
        lab.add_many(2, lane=lane)
    claims = lab.claim(limit=1_000)
    assert sorted(lanes) == sorted(claim.record.lane or "" for claim in claims)
    assert [] == lab.claim()


@proves("LIM-2")
def test_gate_bounds_its_kind(lab: Lab) -> None:
    """All lanes together; another kind is not bound by it."""
    _limit(lab, gate=3)
    lab.add_many(5)
    lab.add_many(5, kind="other")
    first = lab.claim("w", kinds=(KIND, "other"))
    assert (3, 5) == (sum(c.record.kind == KIND for c in first), sum(c.record.kind == "other" for c in first))
    assert [] == lab.claim("v", kinds=(KIND, "other"))
    lab.settle(first[0])
    assert 1 == len(lab.claim("v"))
    assert [] == lab.claim("v")


@proves("LIM-2")
def test_gate_and_lanes_hold_together(lab: Lab) -> None:
    """Whichever is at its bound first."""
    _limit(lab, lane=2, gate=3)
    for lane in "aabbcc":
        lab.add(lane=lane)
        lab.add(lane=lane)
    claims = lab.claim()
    assert ["a", "a", "b"] == [claim.record.lane for claim in claims]
    lab.settle(claims[2])
    assert ["b"] == [claim.record.lane for claim in lab.claim()]
    lab.settle(claims[0])
    lab.settle(claims[1])
    assert ["a", "a"] == [claim.record.lane for claim in lab.claim()]


@proves("LIM-3")
def test_held_back_ones_keep_nobody_else(lab: Lab, profile: Profile) -> None:
    """Thousands at the head of the order whose lane is at its bound: what is free behind them starts, in order."""
    _limit(lab, lane=1)
    for _ in range(0, profile.crowd, MAX_BATCH):
        lab.add_many(MAX_BATCH, lane="full", rank=0)
    free = [lab.add(lane=f"lane-{n}", rank=1) for n in range(20)]
    other = lab.add(rank=2)
    (first,) = lab.claim(limit=1)
    assert "full" == first.record.lane
    assert free[:3] == lab.claimed_ids(limit=3)
    assert [*free[3:], other] == lab.claimed_ids()
    lab.settle(first)
    assert ["full"] == [claim.record.lane for claim in lab.claim()]


@proves("LIM-3")
def test_many_full_lanes_keep_nobody_else(lab: Lab) -> None:
    """The same with hundreds of lanes at their bound, and with a kind at its gate."""
    _limit(lab, lane=1)
    _limit(lab, gate=1, kind="gated")
    for _ in range(2):
        lab.store.enqueue([lab.record(lane=f"lane-{n}", rank=0) for n in range(500)])
    lab.add_many(100, kind="gated", rank=0)
    assert 500 == len(lab.claim_all(limit=200))
    assert 1 == len(lab.claim(kinds=("gated",)))
    free, plain = lab.add(lane="free", rank=9), lab.add(kind="plain", rank=9)
    assert {free, plain} == set(lab.claimed_ids(kinds=("gated", KIND, "plain")))


@proves("LIM-3")
def test_delayed_ones_of_a_lane_take_their_turn(lab: Lab) -> None:
    """A better rank of a lane that becomes due is the lane's next; one not due keeps nobody."""
    _limit(lab, lane=1)
    better, first, second = (
        lab.add(lane="a", rank=0, delay_ms=2 * lab.unit_ms), lab.add(lane="a", rank=1), lab.add(lane="a", rank=2),
    )  # fmt: skip
    claim = lab.claim_one()
    assert first == claim.record.id
    lab.pass_units(2)
    lab.settle(claim)
    for expected in (better, second):
        claim = lab.claim_one()
        assert expected == claim.record.id
        lab.settle(claim)


def _give_back(lab: Lab, how: str, claim: Claim) -> None:
    if how == "retire":
        lab.store.retire("w")
    elif how == "reap":
        lab.reap_dead(lab.short_ms)
    elif how == "retry":
        lab.settle(claim, Ending.TERMINATED, retry_after_ms=_LONG_MS)
    elif how == "canceled":
        lab.store.cancel([claim.record.id])
        lab.settle(claim, Ending.RELEASED)
    else:
        for _ in range(2):  # the second one is `already`, and gives nothing back
            lab.settle(claim, Ending(how))


@proves("LIM-4")
@pytest.mark.parametrize("bound", ["lane", "gate"])
@pytest.mark.parametrize("how", [*(ending.value for ending in Ending), "retry", "canceled", "retire", "reap"])
def test_every_end_of_an_attempt_gives_its_place_back_once(lab: Lab, how: str, bound: str) -> None:
    """Whichever way it ends: one more may start, and one only."""
    _limit(lab, lane=2 if bound == "lane" else None, gate=2 if bound == "gate" else None)
    lab.add_many(6, lane="a" if bound == "lane" else None)
    lab.beat("w", lab.short_ms)
    lab.beat("v", _LONG_MS)
    claim = lab.claim_one("w", limit=1)
    assert (1, 0) == (len(lab.claim("v")), len(lab.claim("v")))
    _give_back(lab, how, claim)
    assert (1, 0) == (len(lab.claim("v")), len(lab.claim("v")))


@proves("LIM-4")
def test_cancel_and_expiry_in_the_queue_give_nothing_back(lab: Lab) -> None:
    """What never ran took no place; the next of its lane takes its turn."""
    _limit(lab, lane=1)
    claim_id, canceled, expiring, last = (
        lab.add(lane="a"), lab.add(lane="a"), lab.add(lane="a", expires_after_ms=lab.unit_ms), lab.add(lane="a"),
    )  # fmt: skip
    claim = lab.claim_one()
    assert claim_id == claim.record.id
    lab.store.cancel([canceled])
    lab.pass_units(1)
    lab.store.reap()
    assert State.CANCELED is lab.state(expiring)
    assert [] == lab.claim()
    lab.settle(claim)
    assert [last] == lab.claimed_ids()


@proves("LIM-4")
def test_place_that_is_given_back_wakes_who_waits(lab: Lab) -> None:
    """A claim that blocks because all is held back starts when a place is free."""
    _limit(lab, lane=1)
    first, second = lab.add_many(2, lane="a")
    claim = lab.claim_one("w")
    assert first == claim.record.id
    lab.beat("v", _LONG_MS)
    waiting = lab.blocked(lambda: lab.store.claim("v", 1, [KIND], 1, _LONG_MS))
    lab.settle(claim)
    assert [second] == [one.record.id for one in lab.answer(waiting)]


@proves("LIM-5")
@pytest.mark.parametrize("bound", ["lane", "gate"])
def test_changed_limits_hold_for_what_is_queued(lab: Lab, bound: str) -> None:
    """Published after the enqueue, raised, lowered, taken away: from that step on, also for what runs."""
    lab.add_many(10, lane="a")

    def limit(number: int) -> None:
        _limit(lab, lane=number if bound == "lane" else None, gate=number if bound == "gate" else None)

    limit(2)
    claims = lab.claim()
    assert 2 == len(claims)
    limit(4)
    claims += lab.claim()
    assert 4 == len(claims)
    limit(1)
    for claim in claims[:3]:
        lab.settle(claim)
        assert [] == lab.claim()
    lab.settle(claims[3])
    assert 1 == len(lab.claim())
    lab.store.put_kinds([KindDescriptor(kind=KIND)])
    assert 5 == len(lab.claim())


@proves("LIM-6")
def test_what_limits_hold_back_is_counted_and_is_no_due_work(lab: Lab) -> None:
    """Due, in lanes at their bound, or at the gate: told for itself; `oldest_due_ms` is of what may start."""
    now_ms = lab.store.now_ms()
    _limit(lab, lane=1)
    lab.add(lane="a", due_ms=now_ms - 9)
    lab.claim()
    lab.add_many(3, lane="a", due_ms=now_ms - 8)
    lab.add(lane="a", due_ms=now_ms + _LONG_MS)
    (held,) = lab.store.stats()
    assert (3, None, now_ms + _LONG_MS) == (held.held_back, held.oldest_due_ms, held.next_due_ms)
    assert {State.PROCESSING: 1, State.SCHEDULED: 4} == held.counts
    lab.add_many(2, lane="b", due_ms=now_ms - 7)
    (some,) = lab.store.stats()
    assert (3, now_ms - 7) == (some.held_back, some.oldest_due_ms)
    _limit(lab, gate=1)
    (gated,) = lab.store.stats()
    assert (5, None) == (gated.held_back, gated.oldest_due_ms)
    lab.store.put_kinds([KindDescriptor(kind=KIND)])
    assert [(0, now_ms - 8)] == [(entry.held_back, entry.oldest_due_ms) for entry in lab.store.stats()]
