"""Queue policies: the order in which due instances leave the queue."""

import random

import pytest

from rota.engine.rank import (
    MAX_RANK,
    RankFunction,
    aged_priority_rank,
    check_priority,
    deadline_rank,
    fifo_rank,
    planned_ms,
    priority_rank,
)
from rota.model.errors import ConfigError
from rota.model.records import InstanceRecord


def _record(name: str = "", **fields: object) -> InstanceRecord:
    return InstanceRecord(**{"id": name, "kind": "k", "arguments": b"", "rank": 0, "created_ms": 1_000} | fields)


def _order(rank: RankFunction, *records: InstanceRecord) -> str:
    shuffled = random.Random(7).sample(records, len(records))
    return " ".join(record.id for record in sorted(shuffled, key=lambda record: (rank(record), record.id)))


def test_by_priority_lower_values_go_first() -> None:
    """As Unix nice: -5 before 0 before 5 before 10."""
    records = [_record("a", priority=10), _record("b", priority=-5), _record("c"), _record("d", priority=0)]
    assert "b d c a" == _order(priority_rank, *records)


def test_by_fifo_priority_does_not_matter() -> None:
    """All stand alike, so that the due time decides."""
    assert {0} == {fifo_rank(_record(priority=p, created_ms=c)) for p in (-9, 9) for c in (1, 2)}


def test_by_deadline_the_first_to_expire_goes_first() -> None:
    """An absolute end and one counted from now compare; those without one come last."""
    soon, later = _record("soon", expires_after_ms=500), _record("later", expires_ms=1_501)
    assert "soon later never" == _order(deadline_rank, _record("never"), soon, later)


def test_by_aged_priority_waiting_makes_up_for_priority() -> None:
    """A step of priority is worth the weight: 5 steps at 1 s are made up for by 5 s of waiting."""
    low = _record("low", priority=10, created_ms=0)
    high = {late_ms: _record("high", priority=5, created_ms=late_ms) for late_ms in (4_999, 5_001)}
    assert "high low" == _order(aged_priority_rank(1_000), low, high[4_999])
    assert "low high" == _order(aged_priority_rank(1_000), low, high[5_001])


@pytest.mark.parametrize("weight_ms", [0, -1, 1.5, True])
def test_weight_that_is_no_time_is_refused(weight_ms: int) -> None:
    """Ageing needs whole milliseconds."""
    with pytest.raises(ConfigError, match="weight_ms"):
        aged_priority_rank(weight_ms)


def test_planned_is_due_or_created_plus_delay() -> None:
    """By the client's clock, as far as it is known before the store is asked."""
    assert 1_250 == planned_ms(_record(delay_ms=250))
    assert 9_000 == planned_ms(_record(due_ms=9_000))


@pytest.mark.parametrize("rank", [priority_rank, fifo_rank, deadline_rank, aged_priority_rank(10**9)])
@pytest.mark.parametrize("priority", [-(2**31), 2**31 - 1])
def test_rank_never_needs_more_than_53_bits(rank: RankFunction, priority: int) -> None:
    """Stores keep ranks as floats too: the largest are cut, not rounded."""
    ranks = [rank(_record(priority=priority, expires_ms=expires_ms)) for expires_ms in (None, 2**62, -(2**62))]
    assert all(-MAX_RANK <= value <= MAX_RANK and value == int(float(value)) for value in ranks)


@pytest.mark.parametrize("value", [-(2**31), 0, 5, 2**31 - 1])
def test_priority_of_32_bits_is_taken(value: int) -> None:
    """Any 32-bit integer is a priority."""
    assert value == check_priority(value)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1.0, "5", None, True])
def test_priority_that_is_no_32_bit_integer_is_refused(value: object) -> None:
    """The error names the value and the usual ones."""
    with pytest.raises(ConfigError, match=r"32-bit.*default 5"):
        check_priority(value)
