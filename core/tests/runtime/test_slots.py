"""The slots of a worker, by themselves: who may start, what is claimed ahead, what goes back."""

import threading

import pytest
from core.tests.runtime.harness import attempts

from rota.runtime.attempt import Attempt
from rota.runtime.slots import MAX_CLAIM, Slots
from rota.testing import FakeClock, wait_until


@pytest.fixture
def slots(clock: FakeClock) -> Slots:
    """Two slots."""
    return Slots(2, clock)


def _run(slots: Slots, clock: FakeClock, attempt: Attempt, took_s: float) -> Attempt | None:
    """Let an attempt that has a slot begin, take its time, and end; the one that follows it."""
    attempt.begin()
    clock.advance(took_s)
    finished = slots.finish(attempt)
    assert finished.accepted
    return finished.following


def test_at_first_no_more_is_claimed_than_can_start(slots: Slots) -> None:
    """Nothing is known of the run time yet: a slow job must strand nothing behind it."""
    assert (2, True) == slots.await_room(0)


def test_what_has_a_slot_starts_and_the_rest_waits(slots: Slots, clock: FakeClock) -> None:
    """In the order of the claim; each that ends passes its slot on."""
    given = attempts(clock, 4)
    assert (given[:2], ()) == slots.add(given)
    assert 2 == slots.running
    assert given[2] is _run(slots, clock, given[0], 1)
    assert given[3] is _run(slots, clock, given[1], 1)
    assert _run(slots, clock, given[2], 1) is None
    assert 1 == slots.running


def test_an_attempt_ends_once(slots: Slots, clock: FakeClock) -> None:
    """Whoever comes second (the function, the timer, the stop) is refused, and frees no slot."""
    (first, second) = attempts(clock, 2)
    slots.add([first, second])
    assert slots.finish(first).accepted
    assert not slots.finish(first).accepted
    assert 1 == slots.running


@pytest.mark.parametrize(
    ("took_s", "ahead"), [(0.0, MAX_CLAIM), (0.001, 100), (0.002, 50), (0.01, 10), (0.05, 2), (0.1, 1), (0.2, 0)]
)
def test_about_fifty_milliseconds_of_work_are_claimed_ahead(
    slots: Slots, clock: FakeClock, took_s: float, ahead: int
) -> None:
    """For all slots together, and never more than one claim may bring."""
    first, second = attempts(clock, 2)
    slots.add([first])
    _run(slots, clock, first, took_s)
    slots.add([second])
    assert (min(1 + ahead, MAX_CLAIM), True) == slots.await_room(0)


def test_one_slow_job_ends_the_claiming_ahead_for_long(slots: Slots, clock: FakeClock) -> None:
    """The typical run time rises at once and falls slowly."""
    given = attempts(clock, 40)
    for one in given[:10]:
        slots.add([one])
        _run(slots, clock, one, 0.001)
    assert MAX_CLAIM == slots.await_room(0)[0]
    slots.add([given[10]])
    _run(slots, clock, given[10], 10)
    assert (2, True) == slots.await_room(0)
    for one in given[11:20]:
        slots.add([one])
        _run(slots, clock, one, 0.001)
    assert (2, True) == slots.await_room(0)


def test_the_backlog_is_refilled_when_half_of_it_is_gone(clock: FakeClock) -> None:
    """Not for each that ends; and not when the store had no more, until a slot is free."""
    slots = Slots(1, clock)
    given = attempts(clock, 30)
    slots.add(given[:1])
    _run(slots, clock, given[0], 0.004)  # so twelve are claimed ahead
    running: Attempt | None = given[1]
    slots.add(given[1:14])
    for expected in (0, 0, 0, 0, 0, 0, 6):
        assert expected == _room(slots)
        assert running is not None
        running = _run(slots, clock, running, 0.004)
    slots.note_dry(True)
    assert 0 == _room(slots)
    while running is not None:
        running = _run(slots, clock, running, 0.004)
    assert 13 == _room(slots)


def _room(slots: Slots) -> int:
    with slots.changed:
        return slots._room()[0]


def test_a_stalled_backlog_is_given_back_once_and_not_claimed_again(clock: FakeClock) -> None:
    """When nothing has ended for 100 ms it goes back; no more is claimed ahead until a slot is free."""
    slots = Slots(4, clock)
    given = attempts(clock, 30)
    slots.add(given[:1])
    _run(slots, clock, given[0], 0.001)
    slots.add(given[1:20])
    assert [] == slots.take_stalled()
    clock.advance(0.1)
    assert given[5:20] == slots.take_stalled()
    assert all(one.ended for one in given[5:20])
    assert 0 == _room(slots)
    clock.advance(10)
    assert [] == slots.take_stalled()
    assert 0 == _room(slots)
    assert slots.finish(given[1]).following is None
    assert 1 <= _room(slots)


def test_waiting_for_room_ends_when_a_slot_is_free_or_a_backlog_may_have_stalled(
    slots: Slots, clock: FakeClock
) -> None:
    """Full without backlog it waits the whole time it was given; with one a tenth of a second."""
    given = attempts(clock, 3)
    slots.add(given[:2])
    answers: list[tuple[int, bool]] = []

    def wait() -> threading.Thread:
        thread = threading.Thread(target=lambda: answers.append(slots.await_room(5)))
        thread.start()
        wait_until(lambda: clock.waiters == 1)
        return thread

    thread = wait()
    clock.advance(4.9)
    assert 1 == clock.waiters
    slots.finish(given[0])
    thread.join(10)
    assert [(1, True)] == [(min(room, 1), free) for room, free in answers]
    slots.add([given[2], *attempts(clock, 1)])
    thread = wait()
    clock.advance(0.1)
    thread.join(10)
    assert (0, False) == answers[1]


def test_more_slots_start_what_was_claimed_ahead(clock: FakeClock) -> None:
    """`resize` answers those that have a slot now; fewer slots take none away."""
    slots = Slots(1, clock)
    given = attempts(clock, 5)
    slots.add(given)
    assert given[1:3] == slots.resize(3)
    assert 3 == slots.running
    assert [] == slots.resize(1)
    assert slots.finish(given[0]).following is None
    assert slots.finish(given[1]).following is None
    assert given[3] is slots.finish(given[2]).following
    assert 1 == slots.running


def test_after_close_nothing_starts(slots: Slots, clock: FakeClock) -> None:
    """The backlog comes back, a late claim is refused, what runs ends without a successor."""
    given = attempts(clock, 5)
    slots.add(given[:4])
    assert given[2:4] == slots.close()
    assert (0, False) == slots.await_room(5)
    assert ([], [given[4]]) == slots.add([given[4]])
    assert given[4].ended
    assert slots.finish(given[0]).following is None
    assert slots.finish(given[1]).following is None
    assert slots.await_idle(0)
