"""CLM-12, WRK-12 to WRK-15: calls that block, what ends them, and who is woken."""

import concurrent.futures
from collections.abc import Callable
from contextlib import suppress
from statistics import median
from threading import Event
from time import monotonic

import pytest

from rota.model.clock import SystemClock
from rota.model.records import Ending, WorkerRecord
from rota.store.contract import MAX_WAIT_MS
from rota_conformance.lab import KIND, Lab, wait_until
from rota_conformance.recorder import proves

_LONG_MS = 600_000
_LOOKED_S = 1.0


@proves("CLM-12")
def test_claim_blocks_until_something_comes(lab: Lab) -> None:
    """A claim that waits gets what is enqueued by another client; what is of no concern to it does not end it."""
    other = lab.client()
    lab.beat("w", _LONG_MS)
    waiting = lab.blocked(lambda: lab.store.claim("w", 1, [KIND], 1, _LONG_MS))
    record = lab.record()
    other.enqueue([lab.record(kind="other"), lab.record(delay_ms=_LONG_MS)])
    assert not waiting.done()
    other.enqueue([record])
    assert [record.id] == [claim.record.id for claim in lab.answer(waiting)]


@proves("CLM-12")
def test_claim_blocks_until_something_is_due(lab: Lab) -> None:
    """A claim that waits gets what becomes due meanwhile, also when that came, or was sent back, before it."""
    one = lab.add(delay_ms=3 * lab.unit_ms)
    lab.beat("w", _LONG_MS)
    waiting = lab.blocked(lambda: lab.store.claim("w", 1, [KIND], 1, _LONG_MS))
    assert not waiting.done()
    lab.pass_units(3)
    (claim,) = lab.answer(waiting)
    assert one == claim.record.id
    assert claim.started_ms >= claim.due_ms


@proves("CLM-12")
def test_claim_that_waits_gets_what_comes_back(lab: Lab) -> None:
    """A release, a resume, a dead worker's instances: whatever makes work available ends the wait."""
    one = lab.add()
    held = lab.claim_one("holder", limit=1)
    for n, give_back in enumerate((
        lambda: lab.settle(held, Ending.RELEASED),
        lambda: lab.store.retire("w0"),
    )):  # fmt: skip
        lab.beat(f"w{n}", _LONG_MS)
        waiting = lab.blocked(lambda n=n: lab.store.claim(f"w{n}", 1, [KIND], 1, _LONG_MS))  # type: ignore[misc]
        give_back()  # type: ignore[no-untyped-call]
        assert [one] == [claim.record.id for claim in lab.answer(waiting)]


@proves("CLM-12")
def test_claim_ends_at_an_interrupt_or_when_its_time_is_over(lab: Lab) -> None:
    """It then answers nothing, and the worker's next claim is answered as ever."""
    lab.beat("w", _LONG_MS)
    waiting = lab.blocked(lambda: lab.store.claim("w", 1, [KIND], 1, _LONG_MS))
    lab.store.interrupt("w")
    assert [] == lab.answer(waiting)
    waiting = lab.blocked(lambda: lab.store.claim("w", 2, [KIND], 1, 2 * lab.unit_ms))
    lab.pass_units(2)
    assert [] == lab.answer(waiting)
    one = lab.add()
    assert [one] == [claim.record.id for claim in lab.store.claim("w", 3, [KIND], 1, _LONG_MS)]


def _after(lab: Lab, units: float, call: Callable[[], object]) -> None:
    """What `call` has put off comes due."""
    call()
    lab.pass_units(units)


def _comings(lab: Lab) -> dict[str, Callable[[], object]]:
    """What ends a wait for work, each by its name; `held` is claimed, `paused` is paused."""
    claim = lab.claim_one("holder", kinds=("held",))
    return {
        "enqueue": lambda: lab.client().enqueue([lab.record(kind="held")]),
        "release": lambda: lab.settle(claim, Ending.RELEASED),
        "crash": lambda: lab.settle(claim, Ending.CRASHED),
        "retry": lambda: lab.settle(claim, Ending.TERMINATED, retry_after_ms=0),
        "retire": lambda: lab.store.retire("holder"),
        "resume": lambda: lab.store.resume(["paused"]),
        "due": lambda: _after(lab, 1, lambda: lab.add(kind="held", delay_ms=lab.unit_ms)),
        "later": lambda: _after(
            lab, 2, lambda: lab.settle(claim, Ending.TIMED_OUT, retry_after_ms=2 * lab.unit_ms)
        ),
        "fire": lambda: lab.store.fire(
            lab.store.put_schedule(lab.rule(next_slot_ms=1)), 1, None, [lab.record(kind="held")]
        ),
        "followup": lambda: lab.settle(claim, followups=(lab.record(kind="held"),)),
        "interrupt": lambda: lab.store.interrupt("w"),
    }  # fmt: skip


@proves("WRK-12")
@pytest.mark.parametrize(
    "coming",
    ["enqueue", "release", "crash", "retry", "retire", "resume", "due", "later", "fire", "followup", "interrupt"],
)
def test_wait_ends_when_there_may_be_work(lab: Lab, coming: str) -> None:
    """It blocks while there is none, and comes back for each thing that makes some, before its time is over."""
    lab.add(kind="held")
    lab.store.pause(["paused"])
    lab.add(kind="paused")
    happen = _comings(lab)[coming]
    lab.beat("w", _LONG_MS)
    started = monotonic()
    waiting = lab.blocked(lambda: lab.store.wait("w", ["held", "paused"], MAX_WAIT_MS))
    happen()
    if coming in ("due", "later") and lab.moves_time and not concurrent.futures.wait([waiting], _LOOKED_S).done:
        lab.pass_units(2)  # it looked before the time moved, and slept from behind it; in all less than `MAX_WAIT_MS`
    lab.answer(waiting)
    assert monotonic() - started < MAX_WAIT_MS / 1000 or lab.moves_time


@proves("WRK-12")
def test_wait_ends_at_once_when_there_is_work(lab: Lab) -> None:
    """What is due already need not be waited for; what is of another kind is no work."""
    lab.beat("w", _LONG_MS)
    lab.add(kind="other")
    waiting = lab.blocked(lambda: lab.store.wait("w", [KIND], MAX_WAIT_MS))
    lab.add()
    lab.answer(waiting)
    started = monotonic()
    lab.answer(lab.background(lambda: lab.store.wait("w", [KIND], MAX_WAIT_MS)))
    assert monotonic() - started < MAX_WAIT_MS / 2000


@proves("WRK-12")
def test_wait_ends_when_its_time_is_over(lab: Lab) -> None:
    """After its time-out, and after the longest wait at the latest."""
    lab.beat("w", _LONG_MS)
    waiting = lab.blocked(lambda: lab.store.wait("w", [KIND], 2 * lab.unit_ms))
    lab.pass_units(2)
    lab.answer(waiting)
    if lab.moves_time:
        waiting = lab.blocked(lambda: lab.store.wait("w", [KIND], _LONG_MS))
        lab.pass_ms(MAX_WAIT_MS)
        lab.answer(waiting)


@proves("WRK-13")
@pytest.mark.parametrize("operation", ["claim", "wait", "await_final"])
def test_interrupt_that_finds_nobody_ends_the_next_blocked_call(lab: Lab, operation: str) -> None:
    """An interrupt is not lost to a caller that is just about to block; it is used up by the one that it ends."""
    lab.beat("w", _LONG_MS)
    one = lab.add(kind="other")
    calls: dict[str, Callable[[int], object]] = {
        "claim": lambda seq: lab.store.claim("w", seq, [KIND], 1, _LONG_MS),
        "wait": lambda seq: lab.store.wait("w", [KIND], MAX_WAIT_MS),
        "await_final": lambda seq: lab.store.await_final([one], _LONG_MS, "w"),
    }
    lab.store.interrupt("w")
    assert not lab.answer(lab.background(lambda: calls[operation](1)))
    waiting = lab.blocked(lambda: calls[operation](2))
    lab.store.interrupt("w")
    assert not lab.answer(waiting)


@proves("WRK-13")
def test_interrupt_is_for_its_name_alone(lab: Lab) -> None:
    """Others sleep on."""
    for worker in "ab":
        lab.beat(worker, _LONG_MS)
    first, second = [
        lab.blocked(lambda worker=worker: lab.store.claim(worker, 1, [KIND], 1, _LONG_MS))  # type: ignore[misc]
        for worker in "ab"
    ]
    lab.store.interrupt("a")
    assert [] == lab.answer(first)
    assert not second.done()
    lab.store.interrupt("c")
    assert not second.done()


@proves("WRK-14")
def test_sleeping_claimer_starts_within_10_ms(lab: Lab) -> None:
    """The median of many wake-ups, on the real clock, from the enqueue's return to the claim's."""
    store = lab.client(clock=SystemClock())
    store.beat("w", _LONG_MS, WorkerRecord(id="w"))
    delays_s: list[float] = []
    for seq in range(1, 31):
        woken_s: list[float] = []

        def sleep(seq: int = seq, woken_s: list[float] = woken_s) -> int:
            claims = store.claim("w", seq, [KIND], 1, 10_000)
            woken_s.append(monotonic())
            return len(claims)

        sleeping = lab.background(sleep)
        Event().wait(0.01)  # most likely it sleeps by then; one that does not is served at once
        enqueued_s = monotonic()
        store.enqueue([lab.record(created_ms=store.now_ms())])
        assert 1 == lab.answer(sleeping)
        delays_s.append(max(0.0, woken_s[0] - enqueued_s))
    assert median(delays_s) < 0.010


@proves("WRK-15")
def test_one_instance_wakes_one_of_many_sleepers(lab: Lab) -> None:
    """Of many that wait for work as many come back as there is work for; the others sleep on undisturbed."""
    number = 12
    for n in range(number):
        lab.beat(f"w{n}", _LONG_MS)
    waits = [lab.blocked(lambda n=n: lab.store.wait(f"w{n}", [KIND], MAX_WAIT_MS)) for n in range(number)]  # type: ignore[misc]
    lab.add()
    wait_until(lambda: any(wait.done() for wait in waits), MAX_WAIT_MS / 1000, "one that wakes")
    with suppress(AssertionError):  # time enough for a second one to come back
        wait_until(lambda: sum(wait.done() for wait in waits) > 1, 0.2)
    assert 1 == sum(wait.done() for wait in waits)
    for n in range(number):
        lab.store.interrupt(f"w{n}")
    for wait in waits:
        lab.answer(wait)


@proves("WRK-15")
def test_sleeping_claims_are_served_one_each(lab: Lab) -> None:
    """Three instances are taken by three of the sleepers; no other comes back with nothing."""
    number = 12
    for n in range(number):
        lab.beat(f"w{n}", _LONG_MS)
    claims = [lab.blocked(lambda n=n: lab.store.claim(f"w{n}", 1, [KIND], 1, _LONG_MS)) for n in range(number)]  # type: ignore[misc]
    ids = lab.add_many(3)
    wait_until(lambda: sum(claim.done() for claim in claims) >= 3, description="three that wake")
    with suppress(AssertionError):
        wait_until(lambda: sum(claim.done() for claim in claims) > 3, 0.1)
    assert sorted(ids) == sorted(one.record.id for claim in claims if claim.done() for one in claim.result())
    assert 3 == sum(claim.done() for claim in claims)
