"""Rates and bounds against a bucket of fractions, which rounds nothing and forgets nothing."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.engine.limits import UNBOUNDED, Bound, Rate, bounds
from rota.model.records import LimitRecord

_START_MS = 1_767_225_600_000
_UNITS = (1_000, 60_000, 3_600_000, 86_400_000)
_ROUNDED_US = 4  # what idling may round by, in both directions


class _Bucket:
    """The brute-force model: what is left grows by `count / unit` a microsecond, up to `count`."""

    def __init__(self, count: int, unit_ms: int) -> None:
        self.count = count
        self.per_us = Fraction(count, unit_ms * 1000)
        self.left = Fraction(count)
        self.at_us = _START_MS * 1000

    def free(self, now_us: int) -> int:
        return int(min(Fraction(self.count), self.left + (now_us - self.at_us) * self.per_us))

    def start(self, now_us: int, starts: int) -> None:
        self.left = min(Fraction(self.count), self.left + (now_us - self.at_us) * self.per_us) - starts
        self.at_us = now_us


rates = st.tuples(st.one_of(st.integers(1, 12), st.integers(1, 5000)), st.sampled_from(_UNITS))
#: How long nothing is asked, in thousandths of a unit, and how much of what may start does, in tenths.
steps = st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 10)), max_size=60)


@settings(deadline=None)
@given(rates, steps)
def test_any_use_allows_what_a_bucket_of_fractions_allows(rate: tuple[int, int], use: list[tuple[int, int]]) -> None:
    """To a few microseconds, for rates whose part of the unit is no whole number of them too."""
    count, unit_ms = rate
    tested, bucket, tat_us, now_ms = Rate(count, unit_ms), _Bucket(count, unit_ms), 0, _START_MS
    for thousandths, tenths in use:
        now_ms += thousandths * unit_ms // 1000
        free = tested.free(tat_us, now_ms)
        least = bucket.free(max(bucket.at_us, now_ms * 1000 - _ROUNDED_US))
        assert least <= free <= bucket.free(now_ms * 1000 + _ROUNDED_US)
        starts = free * tenths // 10
        if starts:
            tat_us = tested.after(tat_us, now_ms, starts)
            bucket.start(now_ms * 1000, starts)
            assert free - starts == tested.free(tat_us, now_ms)


@settings(deadline=None)
@given(st.sampled_from([1, 2, 4, 5, 8, 10, 100, 125, 1000]), st.sampled_from(_UNITS), steps)
def test_rate_in_whole_microseconds_is_exact(count: int, unit_ms: int, use: list[tuple[int, int]]) -> None:
    """Where the part of the unit is a whole number of microseconds nothing is rounded at all."""
    tested, bucket, tat_us, now_ms = Rate(count, unit_ms), _Bucket(count, unit_ms), 0, _START_MS
    for thousandths, tenths in use:
        now_ms += thousandths * unit_ms // 1000
        free = tested.free(tat_us, now_ms)
        assert bucket.free(now_ms * 1000) == free
        starts = free * tenths // 10
        if starts:
            tat_us = tested.after(tat_us, now_ms, starts)
            bucket.start(now_ms * 1000, starts)


@settings(deadline=None)
@given(rates, steps)
def test_next_is_the_first_instant_that_allows_one(rate: tuple[int, int], use: list[tuple[int, int]]) -> None:
    """Not before it, and at it: a timer set for it fires once."""
    tested, tat_us, now_ms = Rate(*rate), 0, _START_MS
    for thousandths, _ in use:
        now_ms += thousandths * rate[1] // 1000
        if free := tested.free(tat_us, now_ms):
            assert now_ms == tested.next_ms(tat_us, now_ms)
            tat_us = tested.after(tat_us, now_ms, free)
        opens_ms = tested.next_ms(tat_us, now_ms)
        assert opens_ms > now_ms
        assert (0, True) == (tested.free(tat_us, opens_ms - 1), tested.free(tat_us, opens_ms) >= 1)


@settings(deadline=None)
@given(rates, st.integers(1, 20), st.integers(0, 10**7))
def test_full_speed_drifts_by_nothing(rate: tuple[int, int], units: int, late_ms: int) -> None:
    """Started one by one as soon as each may, exactly `count` start in every unit after the first burst."""
    count, unit_ms = min(rate[0], 200), rate[1]
    tested, began_ms = Rate(count, unit_ms), _START_MS + late_ms
    tat_us, now_ms = tested.after(0, began_ms, count), began_ms
    for number in range(1, units * count + 1):
        now_ms = tested.next_ms(tat_us, now_ms)
        ideal_ms = began_ms + Fraction(number * unit_ms, count)
        assert -1 < now_ms - ideal_ms <= 1
        tat_us = tested.after(tat_us, now_ms)


@given(rates, st.integers(1, 50), st.integers(0, 10**7))
def test_several_starts_in_one_step_are_as_many_steps(rate: tuple[int, int], starts: int, late_ms: int) -> None:
    """So one claim of many leaves the number that as many claims of one would."""
    tested, now_ms = Rate(*rate), _START_MS + late_ms
    one_by_one = 0
    starts = min(starts, rate[0])
    for _ in range(starts):
        one_by_one = tested.after(one_by_one, now_ms)
    assert one_by_one == tested.after(0, now_ms, starts)


@given(rates, st.integers(0, 10**7))
def test_burst_after_idling_is_the_whole_count_and_no_more(rate: tuple[int, int], late_ms: int) -> None:
    """Also after idling for years; then nothing for one part of the unit."""
    count, unit_ms = rate
    tested, now_ms = Rate(count, unit_ms), _START_MS + late_ms
    assert count == tested.free(0, now_ms)
    spent = tested.after(0, now_ms, count)
    assert 0 == tested.free(spent, now_ms)
    assert abs(tested.next_ms(spent, now_ms) - now_ms - Fraction(unit_ms, count)) <= 1
    assert count == tested.free(spent, now_ms + unit_ms)


@given(rates, st.integers(1, 10**9))
def test_clock_set_back_locks_nobody_out_and_lets_nobody_in(rate: tuple[int, int], back_ms: int) -> None:
    """An empty bucket stays empty, and the next may start as soon as ever, once the number is kept as it stands."""
    count, unit_ms = rate
    tested, now_ms = Rate(count, unit_ms), _START_MS - back_ms
    spent = tested.after(0, _START_MS, count)
    assert 0 == tested.free(spent, now_ms)
    kept = tested.standing(spent, now_ms)
    assert kept <= spent
    assert tested.free(kept, now_ms + unit_ms) >= count - 1
    assert tested.next_ms(kept, now_ms) - now_ms <= -(-unit_ms // count) + 1


def test_changed_rate_takes_the_number_over() -> None:
    """What started under the old rate counts under the new one, as the part of the unit that it stands for."""
    slow, fast = Rate(10, 60_000), Rate(100, 60_000)
    spent = slow.after(0, _START_MS, 10)
    assert (0, 50) == (fast.free(spent, _START_MS), fast.free(spent, _START_MS + 30_000))
    short = Rate(10, 1_000)
    assert (0, 10) == (short.free(spent, _START_MS), short.free(short.standing(spent, _START_MS), _START_MS + 1_000))


def test_more_than_one_a_microsecond_counts_as_one() -> None:
    """A rate that no clock can tell from none is still a rate."""
    assert 1_000_000 == Rate(10**9, 1_000).free(0, _START_MS)


# ---- bounds ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "running", "started", "room"),
    [
        (None, 10**6, 0, UNBOUNDED - 10**6),
        (LimitRecord(3), 1, 0, 2),
        (LimitRecord(3), 5, 0, -2),
        (LimitRecord(None, 10, 1_000), 10**6, 4, 6),
        (LimitRecord(3, 10, 1_000), 1, 9, 1),
        (LimitRecord(3, 10, 1_000), 1, 4, 2),
        (LimitRecord(3, 10, 1_000), 3, 0, 0),
    ],
)
def test_room_is_the_narrower_of_both(limit: LimitRecord | None, running: int, started: int, room: int) -> None:
    """What runs is bounded, and what starts."""
    bound = Bound(limit)
    tat_us = bound.rate.after(0, _START_MS, started) if bound.rate is not None and started else 0
    assert room == bound.room(running, tat_us, _START_MS)


def test_bound_opens_by_time_or_by_an_end() -> None:
    """An alarm is of use only where time alone lets one start."""
    bound = Bound(LimitRecord(2, 1, 1_000))
    assert bound.rate is not None
    spent = bound.rate.after(0, _START_MS)
    assert [_START_MS + 1_000, None, _START_MS] == [
        bound.opens_ms(1, spent, _START_MS), bound.opens_ms(2, spent, _START_MS), bound.opens_ms(0, 0, _START_MS),
    ]  # fmt: skip
    assert _START_MS == Bound(LimitRecord(2)).opens_ms(1, 0, _START_MS)


def test_limits_of_a_kind_are_a_gate_and_a_bound_of_each_lane() -> None:
    """In whatever order they were given, and either may be missing."""
    gate, lane = LimitRecord(3), LimitRecord(1, key="{tenant}")
    assert [(gate, lane), (gate, None), (None, None)] == [bounds((lane, gate)), bounds((gate,)), bounds(())]
