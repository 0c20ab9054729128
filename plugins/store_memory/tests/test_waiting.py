"""Blocked calls: what wakes them, and how many."""

from concurrent.futures import Future
from datetime import timedelta

import pytest
from plugins.store_memory.tests.lab import Lab

from rota.model.errors import LeaseLost
from rota.model.records import Claim, Ending
from rota.model.state import State
from rota.store.contract import MAX_WAIT_MS
from rota.testing import wait_until
from rota_store_memory.enqueue import enqueue


def _blocked_claims(lab: Lab, number: int, kinds: tuple[str, ...] = ("add",)) -> "list[Future[list[Claim]]]":
    """Claims of as many workers, one after the other, each for one instance, a minute long."""
    futures = []
    for n in range(number):
        lab.beat(f"w{n}", lease_ms=10**6)
        futures.append(lab.blocked(lambda n=n: lab.store.claim(f"w{n}", 1, kinds, 1, 60_000)))
    return futures


def _ids(future: "Future[list[Claim]]") -> list[str]:
    return [claim.record.id for claim in future.result(5)]


def test_enqueue_wakes_a_blocked_claim_while_time_stands_still(lab: Lab) -> None:
    """A claim that waits gets the instance from the enqueue itself, not from a later look."""
    (claim,) = _blocked_claims(lab, 1)
    assert [lab.add()] == _ids(claim)


def test_one_job_wakes_one_of_fifty_the_longest_first(lab: Lab) -> None:
    """N instances wake n waiters, in the order in which they came; the others sleep on undisturbed."""
    claims = _blocked_claims(lab, 50)
    one = lab.add()
    assert [one] == _ids(claims[0])
    assert 49 == lab.clock.waiters
    three = lab.add_many(3)
    assert sorted(three) == sorted(one for claim in claims[1:4] for one in _ids(claim))
    assert 46 == lab.clock.waiters
    assert not any(claim.done() for claim in claims[4:])


def test_due_time_wakes_one_of_fifty(lab: Lab) -> None:
    """When a delayed instance becomes due a claim gets it at that instant, and nobody else returns."""
    claims = _blocked_claims(lab, 50)
    delayed = lab.add(delay_ms=1500)
    lab.clock.advance(1.499)
    assert not any(claim.done() for claim in claims)
    lab.clock.advance(0.001)
    wait_until(lambda: any(claim.done() for claim in claims), description="the due instance to be claimed")
    lab.until_asleep(49)
    (served,) = [claim for claim in claims if claim.done()]
    assert [delayed] == _ids(served)


def test_timekeeper_that_is_served_hands_the_alarm_on(lab: Lab) -> None:
    """Whichever waiter sets the alarm, a due time is met after that one has gone, and after an earlier one came."""
    claims = _blocked_claims(lab, 3)
    late, early = lab.add(delay_ms=9000), lab.add(delay_ms=4000)
    now = lab.add()
    assert [now] == _ids(claims[0])
    lab.until_asleep(2)
    lab.clock.advance(4)
    wait_until(lambda: claims[1].done() or claims[2].done(), description="the earlier one")
    first, second = sorted(claims[1:], key=lambda claim: not claim.done())
    assert [early] == _ids(first)
    lab.until_asleep(1)
    lab.clock.advance(5)
    assert [late] == _ids(second)


def test_timekeeper_calls_for_kinds_it_does_not_take(lab: Lab) -> None:
    """The one that keeps the time serves the kinds of all who wait."""
    lab.beat("a")
    lab.beat("b")
    keeper = lab.blocked(lambda: lab.store.claim("a", 1, ("mine",), 1, 60_000))
    other = lab.blocked(lambda: lab.store.claim("b", 1, ("theirs", "other"), 1, 60_000))
    delayed = lab.add(kind="theirs", delay_ms=1000)
    lab.clock.advance(1)
    assert [delayed] == _ids(other)
    assert not keeper.done()


def test_other_kinds_wake_nobody(lab: Lab) -> None:
    """An instance of a kind nobody waits for, or of a paused one, leaves the waiters asleep."""
    (claim,) = _blocked_claims(lab, 1, ("add", "held"))
    lab.store.pause(["held"])
    lab.add(kind="other")
    lab.add(kind="other", delay_ms=10)
    held = lab.add(kind="held")
    lab.clock.advance(1)
    assert 1 == lab.clock.waiters
    lab.store.resume(["held"])
    assert [held] == _ids(claim)


def test_pause_holds_the_alarm_back_too(lab: Lab) -> None:
    """What becomes due in a paused kind is handed to a waiter at the resume."""
    (claim,) = _blocked_claims(lab, 1)
    delayed = lab.add(delay_ms=1000)
    lab.store.pause(["add"])
    lab.clock.advance(2)
    lab.until_asleep(1)
    lab.store.resume(["add"])
    assert [delayed] == _ids(claim)


@pytest.mark.parametrize("ending", [Ending.RELEASED, Ending.CRASHED])
def test_what_comes_back_wakes_a_waiter(lab: Lab, ending: Ending) -> None:
    """A release or a crash makes the instance available to who waits for it."""
    instance_id = lab.add()
    held = lab.claim_one("holder")
    (claim,) = _blocked_claims(lab, 1)
    lab.settle(held, ending)
    assert [instance_id] == _ids(claim)


def test_reap_wakes_a_waiter(lab: Lab) -> None:
    """What a dead worker held goes to who waits."""
    instance_id = lab.add()
    lab.claim("dead")
    (claim,) = _blocked_claims(lab, 1)
    lab.clock.advance(20)
    lab.store.reap()
    assert [instance_id] == _ids(claim)


@pytest.mark.parametrize("how", ["reap", "retire"])
def test_work_of_a_gone_worker_is_not_announced_to_its_own_calls(lab: Lab, how: str) -> None:
    """What a worker held that is gone wakes another one, also when its own blocked claim came first."""
    instance_id = lab.add()
    lab.claim("gone")
    own = lab.blocked(lambda: lab.store.claim("gone", 10**6, ["add"], 1, 60_000))
    (claim,) = _blocked_claims(lab, 1)
    if how == "reap":
        lab.clock.advance(20)
        lab.store.reap()
    else:
        lab.store.retire("gone")
    assert [instance_id] == _ids(claim)
    with pytest.raises(LeaseLost):
        own.result(5)


def test_retry_wakes_when_its_wait_is_over(lab: Lab) -> None:
    """A retry sets the alarm of those who sleep already."""
    instance_id = lab.add()
    held = lab.claim_one("holder")
    (claim,) = _blocked_claims(lab, 1)
    lab.settle(held, Ending.TERMINATED, retry_after_ms=2000)
    lab.clock.advance(2)
    assert [instance_id] == _ids(claim)


def test_claim_returns_empty_when_its_wait_is_over(lab: Lab) -> None:
    """A blocked claim that gets nothing returns nothing after `wait_ms`, and its seq is used up."""
    lab.beat("w")
    claim = lab.blocked(lambda: lab.store.claim("w", 1, ["add"], 1, 3000))
    lab.clock.advance(3)
    assert [] == _ids(claim)
    lab.add()
    assert [] == lab.store.claim("w", 1, ["add"], 1)


def test_what_is_due_at_the_end_of_the_wait_is_handed_out(lab: Lab) -> None:
    """A claim whose wait ends at the due time of an instance returns with it."""
    delayed = lab.add(delay_ms=3000)
    lab.beat("w")
    claim = lab.blocked(lambda: lab.store.claim("w", 1, ["add"], 1, 3000))
    lab.clock.advance(3)
    assert [delayed] == _ids(claim)


def test_wall_clock_set_on_is_noticed_within_the_longest_wait(lab: Lab) -> None:
    """A step of the wall clock makes delayed work due at the next look of the timekeeper."""
    (claim,) = _blocked_claims(lab, 1)
    delayed = lab.add(delay_ms=3_600_000)
    lab.clock.step_wall(timedelta(hours=1))
    lab.clock.advance(timedelta(milliseconds=MAX_WAIT_MS))
    assert [delayed] == _ids(claim)


def test_interrupt_ends_the_blocked_calls_of_that_worker_alone(lab: Lab) -> None:
    """Claim, wait and beat of the interrupted worker return; others sleep on."""
    other, mine = _blocked_claims(lab, 2)
    beat = lab.blocked(lambda: lab.beat("w1", wait_ms=60_000))
    lab.store.interrupt("w1")
    assert [] == _ids(mine)
    assert not beat.result(5).lost
    assert not other.done()


def test_interrupt_before_the_call_ends_the_next_blocked_one(lab: Lab) -> None:
    """An interrupt that finds nothing blocked ends the next call that would block, once; one that finds work
    does not use it up."""
    lab.beat("w")
    lab.store.interrupt("w")
    instance_id = lab.add()
    assert [instance_id] == [claim.record.id for claim in lab.store.claim("w", 1, ["add"], 1, 60_000)]
    assert [] == lab.store.claim("w", 2, ["add"], 1, 60_000)
    lab.blocked(lambda: lab.store.claim("w", 3, ["add"], 1, 60_000))


def test_interrupts_nobody_takes_are_bounded(lab: Lab) -> None:
    """Interrupts for names that never block don't pile up; the oldest are forgotten."""
    for n in range(5000):
        lab.store.interrupt(f"gone-{n}")
    lab.store.await_final([lab.add()], 60_000, "gone-4999")
    lab.blocked(lambda: lab.store.await_final([lab.add()], 60_000, "gone-0"))


@pytest.mark.parametrize("interrupt_first", [True, False])
def test_work_announced_to_an_interrupted_waiter_is_not_left_lying(lab: Lab, interrupt_first: bool) -> None:
    """Of an interrupt and an enqueue at the same moment the interrupted returns, and one of the two has the work."""
    first, _ = _blocked_claims(lab, 2)
    record, space = lab.record(), lab.store._space
    steps = [lambda: space.waiters.interrupt("w0"), lambda: enqueue(space, [record], lab.clock.now_ms())]
    with lab.store._lock:  # both before a sleeper can run
        for step in steps if interrupt_first else reversed(steps):
            step()
    first.result(5)
    wait_until(lambda: lab.state(record.id) is State.PROCESSING, description="the instance to be claimed")


def test_wait_returns_at_once_when_there_is_work(lab: Lab) -> None:
    """`wait` does not sleep while something is ready or due."""
    lab.add(delay_ms=1000)
    lab.clock.advance(1)
    lab.store.wait("w", ["add"], 5000)


@pytest.mark.parametrize("what", ["enqueue", "due", "resume", "release", "interrupt", "time-out"])
def test_wait_returns_for_whatever_may_bring_work(lab: Lab, what: str) -> None:
    """`wait` sleeps until something is enqueued, due, resumed or released, or it is interrupted, or 5 s are over."""
    held = None
    if what == "release":
        lab.add()
        held = lab.claim_one("holder")
    if what == "resume":
        lab.store.pause(["add"])
        lab.add()
    waiting = lab.blocked(lambda: lab.store.wait("w", ["add"], 60_000))
    if what == "enqueue":
        lab.add()
    elif what == "due":
        lab.add(delay_ms=100)
        lab.clock.advance(0.1)
    elif what == "resume":
        lab.store.resume(["add"])
    elif held is not None:
        lab.settle(held, Ending.RELEASED)
    elif what == "interrupt":
        lab.store.interrupt("w")
    else:
        lab.clock.advance(timedelta(milliseconds=MAX_WAIT_MS))
    assert waiting.result(5) is None


def test_await_final_answers_the_ended_and_the_gone(lab: Lab) -> None:
    """It returns as soon as one has ended or was never there, with all that have."""
    done, open_one = lab.run(), lab.add(kind="other")
    assert [done, "f" * 32] == lab.store.await_final([done, open_one, "f" * 32], 1000)
    assert [] == lab.store.await_final([open_one], 0)
    waiting = lab.blocked(lambda: lab.store.await_final([open_one], 60_000))
    lab.store.cancel([open_one])
    assert [open_one] == waiting.result(5)


def test_await_final_ends_with_time_interrupt_or_purge(lab: Lab) -> None:
    """Nothing is answered after the time-out or an interrupt."""
    instance_id = lab.add()
    timed = lab.blocked(lambda: lab.store.await_final([instance_id], 1000))
    interrupted = lab.blocked(lambda: lab.store.await_final([instance_id], 60_000, "me"))
    lab.store.interrupt("me")
    assert [] == interrupted.result(5)
    lab.clock.advance(1)
    assert [] == timed.result(5)


def test_blocked_calls_leave_no_trace(lab: Lab) -> None:
    """Once every blocked call has returned nothing of it is kept."""
    claims = _blocked_claims(lab, 3, ("add", "other"))
    wait = lab.blocked(lambda: lab.store.await_final([lab.add(kind="x")], 60_000, "me"))
    lab.add()
    assert 1 == len(_ids(claims[0]))
    lab.store.close()
    for future in [*claims[1:], wait]:
        assert [] == future.result(5)
    space = lab.store._space
    assert [0, 0, 0, 0] == [len(space.waiters), len(space.line), len(space.endings), len(space.beats)]
    assert not space.line._coming
