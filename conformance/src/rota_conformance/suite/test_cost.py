"""COST: what operations cost, counted by the backend's own operations or round trips, never by time."""

from collections.abc import Callable
from typing import Any

from rota.model.records import KindDescriptor, LimitRecord
from rota.store.contract import MAX_BATCH
from rota_conformance.lab import KIND, Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_LONG_MS = 600_000
_SLACK = 8


def _cost(lab: Lab, call: Callable[[], object]) -> int:
    """Operations of the backend while `call` runs."""
    before = lab.harness.operations()
    call()
    after = lab.harness.operations()
    assert before is not None
    assert after is not None
    return after - before


def _crowd(lab: Lab, number: int, **fields: Any) -> None:
    for start in range(0, number, MAX_BATCH):
        lab.add_many(min(MAX_BATCH, number - start), **fields)


def _same(first: int, second: int) -> bool:
    """The same order: a logarithm may grow, nothing that goes with the number does."""
    return second <= 2 * first + _SLACK


@proves("COST-1")
def test_claim_costs_the_same_whatever_is_queued_beside_it(lab: Lab, profile: Profile) -> None:
    """In the same kind behind it, in other kinds, delayed, running, finished: a claim of ten is a claim of ten."""
    lab.beat("w", _LONG_MS)
    lab.add_many(20, rank=0)
    lab.claim("w", limit=10)
    alone = _cost(lab, lambda: lab.store.claim("w", 1_000, [KIND], 10))
    _crowd(lab, profile.crowd, rank=9)
    _crowd(lab, profile.crowd // 2, kind="other", rank=0)
    _crowd(lab, profile.crowd // 2, delay_ms=_LONG_MS, rank=0)
    lab.store.cancel(lab.add_many(MAX_BATCH, kind="ended"))
    lab.claim("v", limit=500, kinds=("other",))
    lab.add_many(10, rank=0)
    assert _same(alone, _cost(lab, lambda: lab.store.claim("w", 1_001, [KIND], 10)))


@proves("COST-1")
def test_batch_costs_no_more_than_its_parts(lab: Lab) -> None:
    """A hundred in one call cost no more than a hundred calls of one, of enqueue, claim and settle alike."""
    lab.beat("w", _LONG_MS)
    one = _cost(lab, lambda: lab.add_many(1)) + _cost(lab, lambda: lab.store.claim("w", 1_000, [KIND], 1))
    hundred = _cost(lab, lambda: lab.add_many(100)) + _cost(lab, lambda: lab.store.claim("w", 1_001, [KIND], 100))
    assert hundred <= 100 * one + _SLACK


@proves("COST-2")
def test_delayed_instance_is_promoted_once(lab: Lab) -> None:
    """The first claim after many became due pays for it; the next one costs what it costs when all were due from the
    start."""
    lab.beat("w", _LONG_MS)
    lab.add_many(200)
    lab.claim("w", limit=1)
    plain = _cost(lab, lambda: lab.store.claim("w", 1_000, [KIND], 1))
    lab.claim_all("w")
    lab.beat("v", _LONG_MS)
    lab.add_many(200, delay_ms=lab.unit_ms)
    lab.pass_units(1)
    lab.store.claim("v", 1, [KIND], 1)
    assert _same(plain, _cost(lab, lambda: lab.store.claim("v", 2, [KIND], 1)))


@proves("COST-3")
def test_claim_costs_the_same_whatever_limits_hold_back(lab: Lab, profile: Profile) -> None:
    """Thousands at the head whose lane is at its bound are not looked at again and again."""
    lab.store.put_kinds([KindDescriptor(kind=KIND, limits=(LimitRecord(1, key="{x}"),))])
    lab.beat("w", _LONG_MS)
    lab.add_many(3, lane="full", rank=0)
    lab.store.enqueue([lab.record(lane=f"free-{n}", rank=1) for n in range(30)])
    lab.claim("w", limit=5)
    alone = _cost(lab, lambda: lab.store.claim("w", 1_000, [KIND], 10))
    _crowd(lab, 2 * profile.crowd, lane="full", rank=0)
    assert _same(alone, _cost(lab, lambda: lab.store.claim("w", 1_001, [KIND], 10)))
