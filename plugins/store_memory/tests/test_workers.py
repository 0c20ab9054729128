"""Leases, and what becomes of the work of those who have none any more."""

from datetime import timedelta

import pytest
from plugins.store_memory.tests.lab import LEASE_MS, Lab

from rota.model.errors import LeaseLost
from rota.model.records import BeatReply, Reaped, TransitionRecord, WorkerRecord
from rota.model.state import State


def test_beat_keeps_the_first_start_and_the_last_word(lab: Lab) -> None:
    """The store sets the time of the first beat once and of the last each time; the rest is what was said last."""
    lab.beat("w", running=1)
    started_ms = lab.clock.now_ms()
    lab.clock.advance(2)
    lab.beat("w", running=2)
    assert [WorkerRecord(id="w", running=2, started_ms=started_ms, beat_ms=started_ms + 2000)] == lab.store.workers()


def test_workers_are_those_whose_lease_has_not_ended(lab: Lab) -> None:
    """Live workers, by id."""
    lab.beat("b")
    lab.beat("a", lease_ms=1000)
    assert ["a", "b"] == [worker.id for worker in lab.store.workers()]
    lab.clock.advance(1)
    assert ["b"] == [worker.id for worker in lab.store.workers()]


def test_lease_is_renewed_also_late_until_somebody_reaps(lab: Lab) -> None:
    """A beat after the end of the lease, before a reap, keeps everything."""
    lab.add()
    claim = lab.claim_one("w")
    lab.clock.advance(LEASE_MS / 1000)
    assert BeatReply(False) == lab.beat("w")
    assert [] == lab.store.reap()
    assert "done" == lab.settle(claim).status


def test_reap_waits_for_the_end_of_the_lease(lab: Lab) -> None:
    """A millisecond before the end a reap takes nothing; at the end it does, and the instance is available."""
    instance_id = lab.add()
    lab.claim("w")
    lab.clock.advance((LEASE_MS - 1) / 1000)
    assert [] == lab.store.reap()
    lab.clock.advance(0.001)
    assert [Reaped(instance_id, "add", State.SCHEDULED, "crashed", "w")] == lab.store.reap()
    assert TransitionRecord(State.SCHEDULED, lab.clock.now_ms(), 0, "w", "crashed") == lab.history(instance_id)[-1]
    assert [] == lab.store.reap()
    assert (1, 1) == (lab.claim_one("v").attempt, lab.get(instance_id).crashes)


def test_reaped_worker_is_spent(lab: Lab) -> None:
    """A dead worker's beats answer `lost`, its claims raise; a new id works."""
    lab.beat("w", lease_ms=1000)
    lab.clock.advance(1)
    lab.store.reap()
    assert BeatReply(True) == lab.beat("w")
    with pytest.raises(LeaseLost):
        lab.store.claim("w", 1, ["add"], 1)
    assert BeatReply(False) == lab.beat("w-2")


def test_wall_clock_set_on_reaps_nobody(lab: Lab) -> None:
    """Leases go by the monotonic clock."""
    lab.add()
    lab.claim("w")
    lab.clock.step_wall(timedelta(hours=1))
    assert [] == lab.store.reap()
    assert ["w"] == [worker.id for worker in lab.store.workers()]


def test_reap_ends_poison_and_unanswered_cancels(lab: Lab) -> None:
    """What a dead worker held is treated as a crash: poison beyond the bound, CANCELED when that was asked for."""
    poison, canceled = lab.add(max_crashes=0), lab.add()
    lab.claim("w")
    lab.store.cancel([canceled])
    lab.clock.advance(20)
    assert [
        Reaped(poison, "add", State.TERMINATED, "poison", "w"),
        Reaped(canceled, "add", State.CANCELED, "canceled", "w"),
    ] == lab.store.reap()


def test_reap_cancels_what_expired_in_the_queue(lab: Lab) -> None:
    """Expired ones end without any claim, ready or delayed, at most as many as asked for."""
    ready, delayed = lab.add(expires_after_ms=1000), lab.add(delay_ms=60_000, expires_after_ms=2000)
    lab.clock.advance(0.999)
    assert [] == lab.store.reap()
    lab.clock.advance(9)
    assert [Reaped(ready, "add", State.CANCELED, "expired")] == lab.store.reap(limit=1)
    assert [delayed] == [moved.id for moved in lab.store.reap()]
    assert [] == lab.store.reap()
    assert ["created", "scheduled", "canceled"] == lab.path(delayed)


def test_retired_worker_gives_back_what_it_holds(lab: Lab) -> None:
    """A worker that goes in order releases its instances at once, and may start anew; repeating is harmless."""
    instance_id = lab.add()
    canceled = lab.add()
    claims = lab.claim("w")
    lab.store.cancel([canceled])
    for _ in range(2):
        lab.store.retire("w")
    assert TransitionRecord(State.SCHEDULED, lab.clock.now_ms(), 0, "w", "released") == lab.history(instance_id)[-1]
    assert State.CANCELED is lab.state(canceled)
    assert "lost" == lab.settle(claims[0]).status
    assert [] == lab.store.workers()
    assert [instance_id] == lab.claimed_ids(worker="w")


def test_blocked_calls_of_a_reaped_worker_learn_it_at_once(lab: Lab) -> None:
    """A claim that waits raises LeaseLost, a beat that waits answers `lost`, when their worker is reaped."""
    lab.beat("w", lease_ms=1000)
    claim = lab.blocked(lambda: lab.store.claim("w", 1, ["add"], 1, 60_000))
    beat = lab.blocked(lambda: lab.beat("w", lease_ms=1000, wait_ms=60_000))
    lab.clock.advance(1)
    lab.store.reap()
    assert BeatReply(True) == beat.result(5)
    with pytest.raises(LeaseLost):
        claim.result(5)
