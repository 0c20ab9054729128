"""What leaves the queue first, and when: priority, delay, expiry, by a clock that stands still."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from core.tests.client.managers import ByHand, creep_until, managed, working

from rota import State
from rota.model.records import Ending
from rota.testing import FakeClock


def work(n: int = 0) -> int:
    """A job."""
    return n


def test_lower_priority_leaves_first_and_equals_in_order() -> None:
    """As Unix nice; among equals the one that was due earlier, then the earlier scheduled."""
    clock = FakeClock()
    with managed(clock) as manager:
        job = manager.job(work)
        given = [job.options(priority=priority).schedule(n) for n, priority in enumerate((5, 10, 0, 5, -7, 2**31 - 1))]
        clock.advance(1)
        given.append(job.schedule(6))
        expected = [given[n].id.hex for n in (4, 2, 0, 3, 6, 1, 5)]
        assert expected == ByHand(manager).end("work")


def test_fifo_policy_knows_no_priority() -> None:
    """The due time alone."""
    clock = FakeClock()
    with managed(clock, policy="fifo") as manager:
        job = manager.job(work)
        given = [job.options(priority=priority).schedule() for priority in (5, 10, 0)]
        assert [one.id.hex for one in given] == ByHand(manager).end("work")


@pytest.mark.parametrize(("policy", "first"), [("priority?ageing=10", 0), ("fifo", 1)])
@pytest.mark.parametrize(
    "outcome",
    [{"ending": Ending.RELEASED}, {"ending": Ending.CRASHED}, {"ending": Ending.TERMINATED, "retry_after_ms": 0}],
    ids=["released", "crashed", "retried"],
)
def test_rank_is_fixed_at_enqueue_and_kept_by_whatever_comes_back(
    policy: str, first: int, outcome: dict[str, Any]
) -> None:
    """What was in line first is so again, by its old rank; with equal ranks the new due time decides."""
    clock = FakeClock()
    with managed(clock, policy=policy) as manager:
        job, worker = manager.job(work), ByHand(manager)
        ids = []
        for number in range(2):
            ids.append(job.schedule(number).id.hex)
            clock.advance(5)
        (claim,) = worker.claim("work", limit=1)
        assert ids[0] == claim.record.id
        clock.advance(40)
        worker.settle(claim, **outcome)
        again = worker.claim("work")
        assert [ids[first], ids[1 - first]] == [one.record.id for one in again]
        assert claim.record == next(one.record for one in again if one.record.id == ids[0])


_OVERLOAD_S, _A_SECOND, _STEPS, _AGEING_S = 300, 10, 10, 6


def _waits_of_low_ones(policy: str) -> list[tuple[float, int]]:
    """Under 100 of priority 0 for each of priority 10, in 5 minutes with 10 a second claimed and a little more coming:
    how long each low one of the first 3 minutes waited, the end at the latest, and how many it found in the queue."""
    clock = FakeClock()
    came: dict[str, tuple[int, int]] = {}
    left: dict[str, int] = {}
    queued = 0
    with managed(clock, policy=policy) as manager:
        high, worker = manager.job(work).options(priority=0), ByHand(manager)
        low = high.options(priority=_STEPS)
        for second in range(_OVERLOAD_S):
            if second % 10 == 0:
                came[low.schedule().id.hex] = second, queued
                queued += 1
            queued += len(manager.schedule_many(high.call() for _ in range(_A_SECOND)))
            ended = worker.end("work", limit=_A_SECOND)
            left.update(dict.fromkeys(ended, second))
            queued -= len(ended)
            clock.advance(1)
    early = {one: found for one, found in came.items() if found[0] < 180}
    return [(left.get(one, _OVERLOAD_S) - second, before) for one, (second, before) in early.items()]


def test_with_ageing_a_low_one_waits_a_bounded_time_under_overload() -> None:
    """Steps of priority times ageing, behind what was there before it: nothing that comes later passes it."""
    found = _waits_of_low_ones(f"priority?ageing={_AGEING_S}")
    assert 18 == len(found)
    assert all(wait <= _STEPS * _AGEING_S + before / _A_SECOND + 1 for wait, before in found), found
    assert max(wait for wait, _ in found) >= _STEPS * _AGEING_S  # and priority does count until then


def test_without_ageing_a_low_one_waits_as_long_as_the_overload_lasts() -> None:
    """What the bound above is worth."""
    assert all(wait >= 120 for wait, _ in _waits_of_low_ones("priority"))


@pytest.mark.parametrize("option", ["after", "at"])
def test_delayed_instance_is_not_due_before_its_time(option: str) -> None:
    """Neither a millisecond early, nor late once asked."""
    clock = FakeClock()
    with managed(clock) as manager:
        hour = timedelta(hours=1)
        when = {"after": hour} if option == "after" else {"at": datetime(2026, 1, 1, tzinfo=UTC) + hour}
        one = manager.job(work).options(**when).schedule()  # type: ignore[arg-type]
        worker = ByHand(manager)
        clock.advance(3599.999)
        assert [] == worker.claim("work")
        clock.advance(0.001)
        assert [one.id.hex] == worker.end("work")


def test_delayed_instance_is_run_by_a_waiting_worker() -> None:
    """A worker that has nothing to do wakes when something becomes due."""
    clock = FakeClock()
    manager = managed(clock)
    job = manager.job(work)
    with working(manager):
        one = job.options(after=4).schedule(7)
        assert State.SCHEDULED == one.refresh().state
        clock.advance(4)
        creep_until(clock, lambda: one.refresh().state.final, "it to be run")
        assert 7 == one.result(0)
        started = one.refresh().started_at
        assert started is not None
        assert timedelta(seconds=4) <= started - one.created_at < timedelta(seconds=10)


@pytest.mark.parametrize("as_instant", [False, True])
def test_instance_that_waited_too_long_is_canceled_not_run(as_instant: bool) -> None:
    """`expires` as a length or as an instant: CANCELED with the reason `expired`."""
    clock = FakeClock()
    with managed(clock) as manager:
        expires = datetime(2026, 1, 1, 0, 1, tzinfo=UTC) if as_instant else 60
        one = manager.job(work).options(expires=expires).schedule()
        clock.advance(61)
        assert [] == ByHand(manager).claim("work")
        assert (State.CANCELED, "expired") == (one.history()[-1].state, one.history()[-1].reason)


def test_instance_that_started_in_time_runs_on() -> None:
    """Expiry bounds the wait in the queue, not the work."""
    clock = FakeClock()
    with managed(clock) as manager:
        one = manager.job(work).options(expires=60).schedule()
        worker = ByHand(manager)
        clock.advance(59)
        (claim,) = worker.claim("work")
        clock.advance(60)
        assert State.PROCESSING == one.refresh().state
        assert one.id.hex == claim.record.id


def test_maintenance_cancels_what_expired_while_nobody_could_run_it() -> None:
    """No claim of its kind comes, and still it ends."""
    clock = FakeClock()
    manager = managed(clock)
    manager.job(work)
    with working(manager):
        one = manager.remote("nobody-runs-this").options(expires=30).schedule()
        clock.advance(31)
        creep_until(clock, lambda: one.refresh().state is State.CANCELED, "maintenance to find it")
        assert "expired" == one.history()[-1].reason
