"""WRK: who lives, what becomes of what the dead held, and how the waiting are woken."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from rota.model.errors import LeaseLost
from rota.model.records import BeatReply, Ending, Reaped, SettleAnswer, WorkerRecord
from rota.model.state import State
from rota.store.contract import Store
from rota.testing import FakeClock
from rota_conformance.lab import KIND, Lab, wait_until
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves
from rota_conformance.skewed import SkewedClock

_LONG_MS = 600_000


@proves("WRK-1")
def test_beat_makes_a_worker_live(lab: Lab) -> None:
    """The list tells, by id, what each says of itself, since when it lives, and its last beat; any client sees it."""
    assert [] == lab.store.workers()
    before_ms = lab.store.now_ms()
    said: dict[str, Any] = {
        "kinds": (KIND, "b"),
        "concurrency": 4,
        "running": 1,
        "owner": "shop",
        "fingerprint": "f",
        "revision": 3,
    }
    assert BeatReply(lost=False) == lab.beat("b", _LONG_MS, **said)
    lab.beat("a", _LONG_MS, store=lab.client())
    first, second = lab.client().workers()
    assert ("a", WorkerRecord(id="b", **said, started_ms=second.started_ms, beat_ms=second.beat_ms)) == (
        first.id,
        second,
    )
    assert before_ms <= second.started_ms <= second.beat_ms <= lab.store.now_ms()
    lab.pass_units(1)
    lab.beat("b", _LONG_MS, running=2, concurrency=5)
    later = lab.store.workers()[1]
    assert (2, 5, second.started_ms) == (later.running, later.concurrency, later.started_ms)
    assert later.beat_ms >= second.beat_ms + lab.unit_ms


@proves("WRK-2")
def test_beats_keep_all_claims_for_any_length_of_time(lab: Lab) -> None:
    """One beat renews what covers every claim, however old, while others look for the dead all the while."""
    ids = lab.add_many(3)
    lab.beat("w", lab.short_ms)
    claims = lab.claim("w", limit=2)
    other = lab.client()
    for _ in range(8):
        lab.pass_ms(lab.short_ms // 2)
        assert not lab.beat("w", lab.short_ms).lost
        assert ([], []) == (lab.store.reap(), other.reap())
    assert [State.PROCESSING, State.PROCESSING, State.SCHEDULED] == [lab.state(one) for one in ids]
    assert ["w"] == [worker.id for worker in lab.store.workers()]
    assert ["done", "done"] == [lab.settle(claim).status for claim in claims]


@proves("WRK-2")
def test_late_beat_of_one_that_was_not_reaped_renews(lab: Lab) -> None:
    """The end of a lease is only a permission to reap: until that happens the worker may go on."""
    lab.add()
    lab.beat("w", lab.short_ms)
    claim = lab.claim_one("w")
    lab.pass_ms(2 * lab.short_ms)
    assert not lab.beat("w", lab.short_ms).lost
    assert [] == lab.store.reap()
    lab.pass_ms(lab.short_ms // 2)
    assert [] == lab.store.reap()
    assert "done" == lab.settle(claim).status


@proves("WRK-3")
def test_dead_workers_instances_come_back_after_its_lease(lab: Lab) -> None:
    """Not while the lease holds; then, within 5 s, SCHEDULED with reason "crashed", due now, the attempt not counted.
    What others hold is not touched."""
    ids = lab.add_many(3)
    lab.beat("alive", _LONG_MS)
    lab.beat("dead", lab.short_ms)
    kept = lab.claim_one("alive", limit=1)
    lab.claim("dead")
    assert [] == lab.store.reap()
    lab.pass_ms(lab.short_ms // 2)
    assert [] == lab.store.reap()
    assert [] == lab.claim("alive")
    expected = [Reaped(one, KIND, State.SCHEDULED, "crashed", "dead") for one in ids[1:]]
    reaped = lab.reap_dead(lab.short_ms, 2)
    assert expected == sorted(reaped, key=lambda moved: moved.id)
    for one in ids[1:]:
        snapshot = lab.get(one)
        assert (State.SCHEDULED, 0, 1, None) == (snapshot.state, snapshot.attempt, snapshot.crashes, snapshot.worker)
        assert ["processing", "scheduled:crashed"] == lab.path(one)[2:]
        assert "dead" == lab.history(one)[-1].worker
        assert snapshot.due_ms <= lab.store.now_ms()
    assert ids[1:] == lab.claimed_ids("alive")
    assert "done" == lab.settle(kept).status


@proves("WRK-3")
def test_lease_holds_to_its_last_moment(lab: Lab) -> None:
    """Up to its very end nobody may reap; from then on it is over."""
    one = lab.add()
    lab.beat("w", lab.short_ms)
    lab.claim("w")
    lab.store.reap()
    if lab.moves_time:
        lab.pass_ms(lab.short_ms - lab.capabilities.time_resolution_ms)
        assert [] == lab.store.reap()
        assert State.PROCESSING is lab.state(one)
    assert [one] == [moved.id for moved in lab.reap_dead(lab.short_ms)]


@proves("WRK-3")
def test_dead_worker_without_claims_leaves_the_list(lab: Lab) -> None:
    """Once its lease is over and somebody has reaped, nobody counts on it."""
    lab.beat("alive", _LONG_MS)
    lab.beat("dead", lab.short_ms)
    lab.reap_dead(lab.short_ms)
    assert ["alive"] == [worker.id for worker in lab.store.workers()]


@proves("WRK-3")
def test_reap_ends_poison_and_unanswered_cancels(lab: Lab) -> None:
    """What a dead worker held is treated as a crash: poison beyond the bound, CANCELED when that was asked for."""
    poison, canceled = lab.add(max_crashes=0), lab.add()
    lab.beat("w", lab.short_ms)
    lab.claim("w")
    lab.store.cancel([canceled])
    reaped = {moved.id: moved for moved in lab.reap_dead(lab.short_ms, 2)}
    assert Reaped(poison, KIND, State.TERMINATED, "poison", "w") == reaped[poison]
    assert (State.CANCELED, "w") == (reaped[canceled].state, reaped[canceled].worker)
    assert (State.TERMINATED, "poison") == (lab.state(poison), lab.get(poison).reason)
    assert (State.CANCELED, State.CANCELED) == (lab.state(canceled), lab.history(canceled)[-1].state)
    assert [] == lab.claim("v")


@proves("WRK-3")
def test_instance_crashes_with_worker_after_worker_until_it_is_poison(lab: Lab) -> None:
    """Deaths and settled crashes share one count."""
    one = lab.add(max_crashes=1)
    lab.settle(lab.claim_one("v"), Ending.CRASHED)
    lab.beat("w", lab.short_ms)
    assert 1 == lab.claim_one("w").crashes
    (moved,) = lab.reap_dead(lab.short_ms)
    assert Reaped(one, KIND, State.TERMINATED, "poison", "w") == moved


@proves("WRK-4")
def test_reaped_worker_is_told(lab: Lab) -> None:
    """Its beat answers `lost`, its claim raises, its settle is lost and does not disturb the new owner; it needs a new
    id."""
    one = lab.add()
    lab.beat("w", lab.short_ms)
    stale = lab.claim_one("w")
    lab.reap_dead(lab.short_ms)
    assert BeatReply(lost=True) == lab.beat("w")
    with pytest.raises(LeaseLost):
        lab.store.claim("w", 10**6, [KIND], 1)
    assert SettleAnswer("lost", State.SCHEDULED) == lab.settle(stale)
    new = lab.claim_one("w-2")
    before = lab.get(one), lab.history(one)
    assert SettleAnswer("lost", State.PROCESSING) == lab.settle(stale, Ending.RELEASED)
    assert BeatReply(lost=True) == lab.beat("w", store=lab.client())
    assert before == (lab.get(one), lab.history(one))
    assert "done" == lab.settle(new).status


@proves("WRK-4")
def test_worker_that_was_marked_dead_settles_nothing_more(lab: Lab) -> None:
    """Dead is dead at once, also for those of its instances that the first step did not move."""
    lab.add_many(3)
    lab.beat("w", lab.short_ms)
    claims = lab.claim("w")
    lab.store.reap(1)
    lab.pass_ms(lab.short_ms * 1.5)
    if not lab.store.reap(1):  # some stores have to look on for a whole lease first
        lab.reap_dead(lab.short_ms)
    assert {"lost"} == {lab.settle(claim).status for claim in claims}
    while lab.store.reap(1):
        pass
    assert {State.SCHEDULED} == {lab.state(claim.record.id) for claim in claims}


@proves("WRK-5")
def test_instance_that_several_reap_comes_back_once(lab: Lab, profile: Profile) -> None:
    """Any number of reapers at once: each instance is moved by one of them, and counts one crash."""
    workers, each = min(profile.rounds, 40), 3
    ids = lab.add_many(workers * each)
    for n in range(workers):
        lab.beat(f"w{n}", lab.short_ms)
        assert each == len(lab.claim(f"w{n}", limit=each))
    stores = [lab.store, *(lab.client() for _ in range(5))]
    for store in stores:
        store.reap()
    lab.pass_ms(lab.short_ms * 1.5)
    moved = [one for found in lab.race(*(partial(_reap_all, store) for store in stores)) for one in found]
    moved += lab.reap_dead(lab.short_ms, len(ids) - len(moved))
    assert sorted(ids) == sorted(one.id for one in moved)
    for one in ids:
        assert (1, ["processing", "scheduled:crashed"]) == (lab.get(one).crashes, lab.path(one)[2:])
    assert sorted(ids) == sorted(lab.claimed_ids("next", limit=1000)), "reaped in one millisecond or in several"


def _reap_all(store: Store) -> list[Reaped]:
    moved: list[Reaped] = []
    while some := store.reap(7):
        moved += some
    return moved


@proves("WRK-6")
def test_retired_worker_is_gone_and_what_it_held_released(lab: Lab) -> None:
    """In order: released at once, uncounted; canceled when that was asked for. Again is harmless."""
    one, canceled, others = lab.add(), lab.add(), lab.add()
    claims = lab.claim("w", limit=2)
    kept = lab.claim_one("v")
    lab.store.cancel([canceled])
    for _ in range(2):
        lab.store.retire("w")
    assert (State.SCHEDULED, 0, 0) == (lab.state(one), lab.get(one).attempt, lab.get(one).crashes)
    assert "scheduled:released" == lab.path(one)[-1]
    assert State.CANCELED is lab.state(canceled)
    assert {"lost"} == {lab.settle(claim).status for claim in claims}
    assert ["v"] == [worker.id for worker in lab.store.workers()]
    assert State.PROCESSING is lab.state(others)
    assert [one] == lab.claimed_ids("v")
    assert "done" == lab.settle(kept).status
    lab.store.retire("nobody")


@proves("WRK-6")
def test_retired_worker_may_start_anew(lab: Lab) -> None:
    """It was not reaped: its id may be used again, as a new life."""
    lab.beat("w", _LONG_MS)
    lab.store.retire("w")
    lab.pass_units(1)
    before_ms = lab.store.now_ms()
    assert BeatReply(lost=False) == lab.beat("w", _LONG_MS)
    assert before_ms <= lab.store.workers()[0].started_ms


@proves("WRK-7")
def test_request_for_slots_is_told_until_it_is_met(lab: Lab) -> None:
    """Each beat tells it until one shows that number; the last word stands; nobody else is told."""
    lab.beat("w", _LONG_MS, concurrency=4)
    lab.beat("v", _LONG_MS, concurrency=4)
    assert lab.client().resize("w", 6)
    assert [6, 6] == [lab.beat("w", _LONG_MS, concurrency=4).concurrency for _ in range(2)]
    assert lab.store.resize("w", 2)
    assert lab.store.resize("w", 2)
    assert 2 == lab.beat("w", _LONG_MS, concurrency=6).concurrency
    assert lab.beat("w", _LONG_MS, concurrency=2).concurrency is None
    assert lab.beat("w", _LONG_MS, concurrency=2).concurrency is None
    assert lab.beat("v", _LONG_MS, concurrency=4).concurrency is None


@proves("WRK-7")
def test_nobody_is_asked_who_is_not_live(lab: Lab) -> None:
    """False for a stranger, for one that is retired, for one that was reaped."""
    assert not lab.store.resize("nobody", 3)
    lab.beat("w", _LONG_MS)
    lab.store.retire("w")
    lab.beat("dead", lab.short_ms)
    lab.reap_dead(lab.short_ms)
    assert [False, False] == [lab.store.resize(worker, 3) for worker in ("w", "dead")]
    assert lab.beat("w", _LONG_MS, concurrency=1).concurrency is None


@proves("WRK-8")
def test_what_expired_in_the_queue_ends_without_a_claim(lab: Lab) -> None:
    """Due, not yet due or paused: at its time, not before, it is CANCELED by whoever reaps."""
    ready, delayed = (
        lab.add(expires_after_ms=2 * lab.unit_ms),
        lab.add(delay_ms=_LONG_MS, expires_after_ms=2 * lab.unit_ms),
    )
    lasting = lab.add(expires_after_ms=_LONG_MS)
    if lab.moves_time:
        lab.pass_ms(2 * lab.unit_ms - lab.capabilities.time_resolution_ms)
    assert [] == lab.store.reap()
    lab.pass_units(2)
    expected = [Reaped(one, KIND, State.CANCELED, "expired") for one in (ready, delayed)]
    assert expected == sorted(lab.store.reap(), key=lambda moved: moved.id)
    assert ["created", "scheduled", "canceled:expired"] == lab.path(delayed)
    assert [] == lab.store.reap()
    assert [lasting] == lab.claimed_ids()


@proves("WRK-8")
def test_reap_is_bounded_by_its_limit(lab: Lab) -> None:
    """No more than so many in one step, expired or held by the dead; all of them in the end, each once."""
    expired = lab.add_many(5, kind="other", expires_after_ms=lab.unit_ms)
    held = lab.add_many(5)
    lab.beat("w", lab.short_ms)
    lab.claim("w")
    lab.store.reap(3)
    moved: list[Reaped] = []
    for _ in range(100):
        if {one.id for one in moved} >= {*expired, *held}:
            break
        some = lab.store.reap(3)
        assert len(some) <= 3
        moved += some
        if not some:
            lab.pass_ms(lab.short_ms // 2)
    found = {one.id for one in moved}
    assert found | {one for one in expired if lab.path(one)[-1] == "canceled:expired"} == {*expired, *held}
    assert len(found) == len(moved)
    assert {State.CANCELED} == {lab.state(one) for one in expired}
    assert [] == lab.store.reap()


@proves("WRK-11")
@pytest.mark.parametrize("hours", [1, -1])
def test_wall_clock_that_is_set_ends_no_lease_and_saves_none(lab: Lab, hours: int) -> None:
    """Whoever reaps, an hour ahead or behind, takes nothing from a worker that lives, and all from one that is dead."""
    living, dying = lab.add_many(2)
    lab.beat("alive", _LONG_MS)
    lab.beat("dead", lab.short_ms)
    claim = lab.claim_one("alive", limit=1)
    lab.claim_one("dead", limit=1)
    assert [] == lab.store.reap()
    other = lab.store if lab.moves_time else lab.client(clock=SkewedClock(hours))
    if isinstance(lab.clock, FakeClock):
        lab.clock.step_wall(timedelta(hours=hours))
    assert [] == other.reap()
    assert {"alive", "dead"} == {worker.id for worker in other.workers()}
    assert not lab.beat("alive", _LONG_MS).lost
    moved: list[Reaped] = []
    for _ in range(1 + (lab.short_ms + 5_000) // (lab.short_ms // 4)):
        lab.pass_ms(lab.short_ms // 4)
        moved += other.reap()
        if moved:
            break
    assert [(dying, "dead")] == [(one.id, one.worker) for one in moved]
    assert State.PROCESSING is lab.state(living)
    assert "done" == lab.settle(claim).status


@proves("WRK-11")
@pytest.mark.parametrize("hours", [1, -1])
def test_beats_of_a_worker_whose_clock_is_wrong_count(lab: Lab, hours: int) -> None:
    """A worker an hour ahead or behind lives by its beats, no longer and no shorter than others."""
    store = lab.store if lab.moves_time else lab.client(clock=SkewedClock(hours))
    lab.beat("w", lab.short_ms, store=store)
    for _ in range(4):
        if isinstance(lab.clock, FakeClock):
            lab.clock.step_wall(timedelta(hours=hours))
        lab.pass_ms(lab.short_ms // 2)
        lab.store.reap()
        assert not lab.beat("w", lab.short_ms, store=store).lost
    lab.reap_dead(lab.short_ms)
    wait_until(lambda: lab.store.reap() or not lab.store.workers(), 6, "the end of the lease")
