"""RATE: no more than so many starts in a time."""

import pytest

from rota.model.records import Ending, KindDescriptor, LimitRecord
from rota.store.contract import MAX_WAIT_MS
from rota_conformance.lab import KIND, Lab
from rota_conformance.recorder import proves

_LONG_MS = 600_000
_COUNT = 3
_UNITS_EACH = 2  #: one more may start in so many units


def _rate(lab: Lab, *, lanes: bool = False) -> float:
    """Publish the kind with a rate; the milliseconds of one refill."""
    each_ms = _UNITS_EACH * lab.unit_ms
    limit = LimitRecord(rate_count=_COUNT, rate_ms=_COUNT * each_ms, key="{tenant}" if lanes else None)
    lab.store.put_kinds([KindDescriptor(kind=KIND, limits=(limit,))])
    return each_ms


def _finish(lab: Lab) -> int:
    """Claim what may start, and end it; how many there were."""
    claims = lab.claim()
    for claim in claims:
        lab.settle(claim)
    return len(claims)


@proves("RATE-1")
@pytest.mark.parametrize("lane", [None, "a"])
def test_rate_lets_its_count_start_then_one_for_each_refill(lab: Lab, lane: str | None) -> None:
    """A burst of the whole count, then evenly; ends give nothing back."""
    each_ms = _rate(lab, lanes=lane is not None)
    lab.add_many(20, lane=lane)
    started_ms = lab.store.now_ms()
    assert _COUNT == _finish(lab)
    if not lab.moves_time:
        _check_in_real_time(lab, started_ms, each_ms)
        return
    for _ in range(4):
        assert 0 == _finish(lab)
        lab.pass_ms(each_ms - lab.capabilities.time_resolution_ms)
        assert 0 == _finish(lab)
        lab.pass_ms(lab.capabilities.time_resolution_ms)
        assert 1 == _finish(lab)
    lab.pass_ms(2 * each_ms)
    assert 2 == _finish(lab)
    lab.pass_ms(100 * each_ms)
    assert _COUNT == _finish(lab), "idle time fills no more than the whole count"


def _check_in_real_time(lab: Lab, started_ms: int, each_ms: float) -> None:
    """So many refills later as many more have started, no more and no fewer."""
    number = _COUNT
    while number < _COUNT + 3:
        number += _finish(lab)
        assert number <= _COUNT + (lab.store.now_ms() - started_ms) / each_ms
        lab.pass_ms(each_ms / 5)
        assert number >= (lab.store.now_ms() - started_ms) / each_ms - 1


@proves("RATE-1")
@pytest.mark.parametrize("ending", [Ending.RELEASED, Ending.CRASHED, Ending.CANCELED, Ending.TERMINATED])
def test_claim_takes_of_the_rate_whatever_becomes_of_it(lab: Lab, ending: Ending) -> None:
    """What comes back has to wait for the next refill as any other."""
    each_ms = _rate(lab)
    lab.add_many(6)
    for claim in lab.claim(limit=_COUNT):
        lab.settle(claim, ending)
    assert [] == lab.claim()
    lab.pass_ms(each_ms)
    assert 1 <= len(lab.claim()) <= (1 if lab.moves_time else _COUNT)


@proves("RATE-1")
def test_each_lane_has_its_rate(lab: Lab) -> None:
    """One that has used its own up keeps no other from starting; other kinds neither."""
    _rate(lab, lanes=True)
    for lane in ("a", "b"):
        lab.add_many(5, lane=lane, rank=1)
    other = lab.add(kind="other", rank=9)
    claims = lab.claim(kinds=(KIND, "other"))
    assert 7 == len(claims)
    assert other == claims[-1].record.id
    assert {"a": _COUNT, "b": _COUNT} == {
        lane: sum(claim.record.lane == lane for claim in claims) for lane in ("a", "b")
    }


@proves("RATE-1")
def test_rate_and_running_hold_together(lab: Lab) -> None:
    """Whichever is at its bound first."""
    each_ms = _UNITS_EACH * lab.unit_ms
    limit = LimitRecord(max_running=2, rate_count=_COUNT, rate_ms=_COUNT * each_ms)
    lab.store.put_kinds([KindDescriptor(kind=KIND, limits=(limit,))])
    lab.add_many(6)
    claims = lab.claim()
    assert 2 == len(claims)
    for claim in claims:
        lab.settle(claim)
    assert 1 <= len(lab.claim()) <= (1 if lab.moves_time else 2)


@proves("RATE-1")
def test_repeated_claim_takes_once(lab: Lab) -> None:
    """The same seq again takes nothing more of the rate."""
    _rate(lab)
    lab.add_many(6)
    lab.beat("w")
    for _ in range(3):
        assert 2 == len(lab.store.claim("w", 1, [KIND], 2))
    assert 1 <= len(lab.store.claim("w", 2, [KIND], 2)) <= (1 if lab.moves_time else 2)


@proves("RATE-2")
@pytest.mark.parametrize("operation", ["claim", "wait"])
def test_refill_ends_a_wait(lab: Lab, operation: str) -> None:
    """Who waits because the rate is used up comes back when one more may start."""
    each_ms = _rate(lab)
    lab.add_many(5)
    assert _COUNT == _finish(lab)
    lab.beat("v", _LONG_MS)
    if operation == "claim":
        waiting = lab.blocked(lambda: len(lab.store.claim("v", 1, [KIND], 1, _LONG_MS)))
        lab.pass_ms(each_ms)
        assert 1 == lab.answer(waiting)
    else:
        ended = lab.blocked(lambda: lab.store.wait("v", [KIND], MAX_WAIT_MS))
        lab.pass_ms(each_ms)
        lab.answer(ended)
        assert 1 <= len(lab.claim("v", limit=1))
