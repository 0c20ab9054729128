"""Limits at the claim: gates, lanes and rates, what gives back, what wakes, and what it costs."""

import sys
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest
from plugins.store_memory.tests.lab import Lab

from rota.model.records import Claim, Ending, KindDescriptor, LimitRecord
from rota.model.state import State
from rota.testing import wait_until
from rota_store_memory.enqueue import enqueue

_SECOND_MS = 1_000
_DAY_MS = 86_400_000


def _limit(lab: Lab, *limits: LimitRecord, kind: str = "add") -> None:
    lab.store.put_kinds([KindDescriptor(kind=kind, limits=limits)])


def _gate(running: int | None = None, count: int | None = None, unit_ms: int = _SECOND_MS) -> LimitRecord:
    return LimitRecord(running, count, None if count is None else unit_ms)


def _lane(running: int | None = None, count: int | None = None, unit_ms: int = _SECOND_MS) -> LimitRecord:
    return LimitRecord(running, count, None if count is None else unit_ms, key="{tenant}")


def _asleep(lab: Lab, worker: str, limit: int = 1, kinds: tuple[str, ...] = ("add",)) -> "Future[list[Claim]]":
    lab.beat(worker, lease_ms=10**9)
    return lab.blocked(lambda: lab.store.claim(worker, 1, kinds, limit, 60_000))


def _ids(future: "Future[list[Claim]]") -> list[str]:
    return [claim.record.id for claim in future.result(5)]


# ---- bounds on what runs ------------------------------------------------------------------------


def test_gate_bounds_the_kind_over_all_workers(lab: Lab) -> None:
    """No more than `max_running` are claimed at a time; other kinds are not concerned."""
    _limit(lab, _gate(2))
    ids, other = lab.add_many(3), lab.add(kind="other")
    first = lab.claim("v", limit=1) + lab.claim("w")
    assert ids[:2] == [claim.record.id for claim in first]
    assert [other] == lab.claimed_ids(kinds=("add", "other"))
    lab.settle(first[0])
    assert ids[2:] == lab.claimed_ids()


def test_lanes_are_bounded_each_by_itself(lab: Lab) -> None:
    """One claim takes several of a lane, up to its bound, in ready order over all of them."""
    _limit(lab, _lane(2))
    x, y = lab.add_many(3, lane="x"), lab.add_many(3, lane="y", rank=4)
    assert [*y[:2], *x[:2]] == lab.claimed_ids()
    assert [] == lab.claimed_ids()


def test_gate_and_lane_hold_together(lab: Lab) -> None:
    """What has no lane is subject to the gate alone; the rest to both."""
    _limit(lab, _lane(1), _gate(3))
    x, single = lab.add_many(3, lane="x", rank=0), lab.add_many(4)
    claims = lab.claim()
    assert [x[0], *single[:2]] == [claim.record.id for claim in claims]
    lab.settle(claims[1])
    assert [single[2]] == lab.claimed_ids()
    lab.settle(claims[0])
    assert [x[1]] == lab.claimed_ids()


def test_several_kinds_keep_one_order_under_limits(lab: Lab) -> None:
    """A claim of two limited kinds goes by ready order among what may start, whichever kind it is of."""
    _limit(lab, _lane(1), kind="a")
    _limit(lab, _gate(2), kind="b")
    ranks = [
        ("a", "x", 1),
        ("b", None, 2),
        ("a", "x", 3),
        ("a", "y", 4),
        ("b", None, 5),
        ("b", None, 6),
        ("a", None, 7),
    ]
    ids = [lab.add(kind=kind, lane=lane, rank=rank) for kind, lane, rank in ranks]
    assert [ids[0], ids[1], ids[3], ids[4], ids[6]] == lab.claimed_ids(kinds=("a", "b"))


def test_delayed_are_promoted_into_their_lanes_in_exact_order(lab: Lab) -> None:
    """What becomes due stands where its rank says, before worse ones that have waited in the lane."""
    _limit(lab, _lane(1))
    waiting = lab.add_many(2, lane="x", rank=5)
    better, best = (lab.add(lane="x", rank=rank, delay_ms=100) for rank in (3, 1))
    claims = lab.claim()
    lab.clock.advance(1)
    order = []
    while claims:
        lab.settle(claims[0])
        order += [claim.record.id for claim in claims]
        claims = lab.claim()
    assert [waiting[0], best, better, waiting[1]] == order


def test_hostile_lane_is_a_lane_like_any_other(lab: Lab) -> None:
    """Empty, long, or full of what some format might read: two texts are one lane only when equal."""
    _limit(lab, _lane(1))
    names = ["", "None", "\0", "{tenant}", "x" * 10**6, "x" * 10**6 + "y", "'; --", "\ud800"]
    ids = [lab.add(lane=name) for name in names]
    lab.add_many(2, lane=names[4])
    assert ids == lab.claimed_ids()


# ---- what gives back --------------------------------------------------------------------------


@pytest.mark.parametrize("ending", list(Ending))
@pytest.mark.parametrize("retry_after_ms", [None, 0, 50])
def test_every_ending_gives_lane_and_gate_back_once(lab: Lab, ending: Ending, retry_after_ms: int | None) -> None:
    """Of lane and gate: neither is lost, nor given back twice when the outcome is settled again."""
    _limit(lab, _lane(1), _gate(1))
    lab.add(lane="x", rank=9)
    claim = lab.claim_one()
    followers = lab.add_many(2, lane="x", rank=0)
    for _ in range(2):
        lab.settle(claim, ending, retry_after_ms=retry_after_ms)
    assert followers[:1] == lab.claimed_ids()
    assert [] == lab.claimed_ids()


def _retire(lab: Lab) -> None:
    lab.store.retire("w")


def _die(lab: Lab) -> None:
    lab.clock.advance(60)
    lab.store.reap()
    lab.store.reap()


@pytest.mark.parametrize("leave", [_retire, _die])
def test_worker_that_goes_gives_back_what_it_held(lab: Lab, leave: Callable[[Lab], None]) -> None:
    """Retired or dead: its lane and its part of the gate are free again, exactly once."""
    _limit(lab, _lane(1), _gate(1))
    lab.add(lane="x", rank=9)
    lab.claim_one("w")
    followers = lab.add_many(2, lane="x", rank=0)
    leave(lab)
    assert followers[:1] == lab.claimed_ids(worker="v")
    assert [] == lab.claimed_ids(worker="v")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_cancel_and_expiry_take_out_of_the_lane_what_they_end(lab: Lab, number: int) -> None:
    """The head or one behind it: the others go on in order, and nothing was started by it."""
    _limit(lab, _lane(1, 2))
    ids = [lab.add(lane="x", **({"expires_after_ms": 1} if n == number else {})) for n in range(3)]
    lab.clock.advance(0.001)
    left = [one for one in ids if one != ids[number]]
    claim = lab.claim_one()
    assert left[0] == claim.record.id
    lab.store.reap()
    assert State.CANCELED is lab.state(ids[number])
    lab.settle(claim)
    assert left[1:] == lab.claimed_ids()


def test_canceled_head_lets_the_next_one_forward(lab: Lab) -> None:
    """Head, middle and last are canceled while they wait."""
    _limit(lab, _lane(5))
    ids = lab.add_many(6, lane="x")
    lab.store.cancel([ids[0], ids[3], ids[5]])
    assert [ids[1], ids[2], ids[4]] == lab.claimed_ids()


# ---- rates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [_gate(None, 10), _lane(None, 10)])
def test_rate_lets_a_burst_start_and_refills_evenly(lab: Lab, limit: LimitRecord) -> None:
    """After idling ten at once, then one each 100 ms, to the millisecond; nothing drifts."""
    _limit(lab, limit)
    lab.add_many(100, lane="x")
    assert 10 == len(lab.claim())
    starts = [len(lab.claim(limit=1)) if lab.clock.advance(0.001) is None else 0 for _ in range(1_000)]
    assert [number for number, started in enumerate(starts, 1) if started] == list(range(100, 1_001, 100))


def test_claim_takes_of_the_rate_whatever_becomes_of_it(lab: Lab) -> None:
    """Released, failed or crashed: the next claim of the same instance takes another."""
    _limit(lab, _lane(None, 3))
    lab.add(lane="x")
    for ending in (Ending.RELEASED, Ending.CRASHED, Ending.RELEASED):
        lab.settle(lab.claim_one(), ending)
    assert [] == lab.claimed_ids()
    lab.clock.advance(0.334)
    assert 1 == len(lab.claim())


def test_rate_outlives_the_instances_that_used_it(lab: Lab) -> None:
    """Purged at once after their end, they count all the same, in lanes and at the gate."""
    _limit(lab, _lane(None, 2), _gate(None, 3))
    for lane, expected in (("x", 2), ("y", 1)):
        lab.add_many(3, lane=lane)
        claims = lab.claim()
        assert expected == len(claims)
        for claim in claims:
            lab.settle(claim)
        lab.store.cancel(lab.find_all())
        lab.purge_all()
    assert [] == lab.store.stats()


def test_clock_set_back_locks_nobody_out(lab: Lab) -> None:
    """An hour back: the next starts as soon as the rate says, counted from the new time on."""
    _limit(lab, _lane(None, 2), _gate(None, 100))
    ids = lab.add_many(4, lane="x", due_ms=0)
    assert ids[:2] == lab.claimed_ids()
    lab.clock.step_wall(timedelta(hours=-1))
    assert [] == lab.claimed_ids()
    lab.clock.advance(0.5)
    assert ids[2:3] == lab.claimed_ids()


# ---- other limits while it runs -----------------------------------------------------------------


def test_changed_limits_hold_at_once_for_what_is_queued(lab: Lab) -> None:
    """Raised: more start. Lowered: none until fewer run. Removed: all of them, in order; and put back."""
    ids = lab.add_many(10, lane="x")
    running = lab.claim(limit=2)
    _limit(lab, _lane(2))
    assert [] == lab.claimed_ids()
    _limit(lab, _lane(4))
    running += lab.claim()
    assert ids[:4] == [claim.record.id for claim in running]
    _limit(lab, _lane(2))
    for claim in running[:2]:
        lab.settle(claim)
        assert [] == lab.claimed_ids()
    lab.settle(running[2])
    running += lab.claim()
    assert ids[4] == running[-1].record.id
    _limit(lab)
    assert ids[5:7] == lab.claimed_ids(limit=2)
    _limit(lab, _gate(5))
    assert ids[7:8] == lab.claimed_ids()


def test_published_again_nothing_changes(lab: Lab) -> None:
    """Each worker publishes its kinds when it starts: that fills no bucket."""
    _limit(lab, _lane(None, 1, _DAY_MS), _gate(None, 2, _DAY_MS))
    lab.add_many(2, lane="x")
    lab.claim()
    _limit(lab, _lane(None, 1, _DAY_MS), _gate(None, 2, _DAY_MS))
    assert [] == lab.claimed_ids()


def test_changed_rate_takes_over_what_has_started(lab: Lab) -> None:
    """What started in this very millisecond counts by the rate that it started under: two thirds of a second."""
    _limit(lab, _lane(None, 3), _gate(None, 3))
    ids = lab.add_many(6, lane="x")
    lab.claim(limit=2)
    _limit(lab, _lane(None, 2, 60_000), _gate(None, 2, 60_000))
    assert ids[2:3] == lab.claimed_ids()


# ---- numbers ----------------------------------------------------------------------------------


def test_stats_tell_what_is_held_back(lab: Lab) -> None:
    """All of a lane at its bound; all of a kind at its gate; nothing of a lane with room for one."""
    _limit(lab, _lane(1), _gate(2))
    lab.add_many(3, lane="x")
    later = lab.add_many(2, lane="y", rank=9)
    (stats,) = lab.store.stats()
    assert (0, lab.clock.now_ms()) == (stats.held_back, stats.oldest_due_ms)
    lab.claim(limit=1)
    (stats,) = lab.store.stats()
    assert (2, lab.get(later[0]).due_ms) == (stats.held_back, stats.oldest_due_ms)
    lab.claim(limit=1)
    lab.add_many(4)
    (stats,) = lab.store.stats()
    assert (7, None) == (stats.held_back, stats.oldest_due_ms)


# ---- wake-ups -----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [_gate(1), _lane(1)])
@pytest.mark.parametrize("lane", [None, "x"])
def test_end_of_one_wakes_one_who_waits_for_the_next(lab: Lab, limit: LimitRecord, lane: str | None) -> None:
    """While all that is due is held back nobody is woken, and then one sleeper by the settle itself."""
    lane = "x" if limit.key is not None else lane
    _limit(lab, limit)
    first, second, _ = lab.add_many(3, lane=lane)
    claim = lab.claim_one(limit=1)
    assert first == claim.record.id
    sleepers = [_asleep(lab, f"s{n}") for n in range(3)]
    lab.settle(claim)
    assert [second] == _ids(sleepers[0])
    assert (2, False) == (lab.clock.waiters, any(one.done() for one in sleepers[1:]))


@pytest.mark.parametrize("limit", [_gate(None, 1), _lane(None, 1)])
def test_refill_wakes_by_the_alarm_and_not_before(lab: Lab, limit: LimitRecord) -> None:
    """At the very millisecond at which the rate lets one start, one sleeper has it."""
    _limit(lab, limit)
    ids = lab.add_many(3, lane="x")
    lab.claim(limit=1)
    sleepers = [_asleep(lab, f"s{n}") for n in range(3)]
    lab.clock.advance(0.999)
    lab.until_asleep(3)
    assert not any(one.done() for one in sleepers)
    lab.clock.advance(0.001)
    wait_until(lambda: any(one.done() for one in sleepers), description="one to be served")
    lab.until_asleep(2)
    (served,) = [one for one in sleepers if one.done()]
    assert ids[1:2] == _ids(served)


def test_claim_that_uses_a_rate_up_sets_the_alarm_for_those_asleep(lab: Lab) -> None:
    """Nobody had a reason to look before: the claim itself lets the timekeeper know of the refill."""
    _limit(lab, _lane(None, 1))
    lab.beat("poller", lease_ms=10**9)
    sleeper = _asleep(lab, "sleeper", kinds=("other", "add"))
    records = [lab.record(lane="x"), lab.record(lane="x"), lab.record(kind="other")]
    with lab.store._lock:  # the sleeper is called for one of the first kind, and finds it gone
        enqueue(lab.store._space, records[:2], lab.clock.now_ms())
    first = _ids(sleeper)
    second = _asleep(lab, "second")
    lab.clock.advance(1)
    assert [[records[0].id], [records[1].id]] == [first, _ids(second)]


def test_wait_returns_for_what_may_start_alone(lab: Lab) -> None:
    """`wait` sleeps beside any number held back, and returns at the settle that lets one go."""
    _limit(lab, _gate(1))
    lab.add_many(3)
    claim = lab.claim_one(limit=1)
    waiting = lab.blocked(lambda: lab.store.wait("other", ["add"], 5_000))
    lab.settle(claim)
    assert waiting.result(5) is None


def test_raised_limit_wakes_as_many_as_may_start(lab: Lab) -> None:
    """A deploy lets two more start: two sleepers have them, the third sleeps on."""
    _limit(lab, _lane(1))
    ids = lab.add_many(5, lane="x")
    lab.claim(limit=1)
    sleepers = [_asleep(lab, f"s{n}") for n in range(3)]
    _limit(lab, _lane(3))
    assert sorted(ids[1:3]) == sorted(_ids(sleepers[0]) + _ids(sleepers[1]))
    lab.until_asleep(1)


def test_paused_kind_wakes_nobody_for_a_refill(lab: Lab) -> None:
    """Until it is resumed; then what the rate has let go meanwhile starts."""
    _limit(lab, _lane(None, 1))
    ids = lab.add_many(2, lane="x")
    lab.claim(limit=1)
    sleeper = _asleep(lab, "s")
    lab.store.pause(["add"])
    lab.clock.advance(2)
    lab.until_asleep(1)
    lab.store.resume(["add"])
    assert ids[1:] == _ids(sleeper)


# ---- cost -------------------------------------------------------------------------------------


def _calls(call: Callable[[], Any]) -> int:
    """How many functions, of Python and of C, run in `call`."""
    number = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(None)
    return number


def _claim_beside(held: int, lanes: int) -> int:
    """Calls made by a claim and a settle of one instance, beside `held` of better rank in each of `lanes`."""
    lab = Lab()
    _limit(lab, _lane(1, 5))
    for lane in range(lanes):
        records = [lab.record(lane=f"held-{lane}", rank=0) for _ in range(held)]
        for start in range(0, held, 1_000):
            lab.store.enqueue(records[start : start + 1_000])
        lab.claim("holder", limit=1)
    lab.add_many(3, lane="free", rank=9)
    lab.beat("w")
    claims: list[Claim] = []
    return _calls(lambda: claims.extend(lab.store.claim("w", 1, ["add"], 1))) + _calls(lambda: lab.settle(claims[0]))


def test_ten_thousand_held_back_cost_a_claim_nothing() -> None:
    """As many steps beside ten thousand of one lane, or a thousand lanes, as beside one: none of them is looked at."""
    alone = _claim_beside(2, 1)
    assert [alone, alone] == [_claim_beside(10_000, 1), _claim_beside(2, 1_000)]


def test_ten_thousand_of_one_do_not_delay_the_one_of_another(lab: Lab) -> None:
    """It is handed out by the next claim, which takes nothing else."""
    _limit(lab, _lane(1))
    for _ in range(10):
        lab.add_many(1_000, lane="big", rank=0)
    lab.claim(limit=1)
    one = lab.add(lane="small", rank=9)
    assert [one] == lab.claimed_ids(limit=100)


# ---- leaks --------------------------------------------------------------------------------------


def test_lanes_go_with_what_they_held(lab: Lab) -> None:
    """A thousand lanes, used and purged: nothing of them is left once their rates are full again."""
    _limit(lab, _lane(1, 5))
    for n in range(1_000):
        lab.add(lane=f"lane-{n}")
    lab.store.cancel(lab.find_all()[::3])
    while claims := lab.claim():
        for claim in claims:
            lab.settle(claim)
    lab.store.retire("w")
    lab.purge_all()
    lanes = lab.store._space.limits["add"].lanes
    assert len(lanes) > 600
    lab.clock.advance(1)
    lab.store.reap()
    assert (0, 0, 0, {}) == (len(lanes), lanes._heads.size, lanes._refills.size, lab.store._space.queues)


def test_replaced_heads_are_never_more_than_half(lab: Lab) -> None:
    """Ten thousand in one lane, each better than the one before, leave no ten thousand stale heads behind."""
    _limit(lab, _lane(1))
    for n in range(10_000):
        lab.add(lane="x", rank=-n)
    lanes = lab.store._space.limits["add"].lanes
    assert lanes._heads.size < 50
    assert -9_999 == lab.claim_one().record.rank


def test_clear_forgets_limits_and_what_they_counted(lab: Lab) -> None:
    """A kind that was never published since has none."""
    _limit(lab, _gate(1))
    lab.add_many(2)
    lab.claim()
    lab.store.clear(force=True)
    lab.add_many(3, lane="x")
    assert 3 == len(lab.claim())
