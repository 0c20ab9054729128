"""`Cron` against the brute-force oracle: every form of expression, every kind of clock change."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from core.tests.engine.cron_oracle import MINUTE_MS, Expression, expressions, slots, utc_slots
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rota.engine.cron import Cron

_HOUR_MS = 3_600_000

#: Zone, and the instant around which is looked: on clocks going forward, back, by half an hour, by a whole day, never.
_PLACES = {
    "new york, spring": ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    "new york, autumn": ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    "berlin, spring": ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    "berlin, autumn": ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "lord howe, spring": ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    "lord howe, autumn": ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    "havana, spring at midnight": ("America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),
    "havana, autumn": ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    "apia, a day skipped": ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    "casey, three hours back": ("Antarctica/Casey", datetime(2020, 3, 7, 16, tzinfo=UTC)),
    "casablanca, ramadan": ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
    "kolkata": ("Asia/Kolkata", datetime(2026, 6, 1, tzinfo=UTC)),
    "utc, end of february": ("UTC", datetime(2028, 2, 29, tzinfo=UTC)),
}


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


@pytest.mark.parametrize("place", _PLACES)
@settings(max_examples=50, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_around_a_clock_change_the_slots_are_those_of_the_daemon(place: str, data: st.DataObject) -> None:
    """next_ms and latest_ms name exactly the minutes at which cron's own loop would start the job."""
    zone, change = _PLACES[place]
    low_ms, high_ms = _ms(change) - 30 * _HOUR_MS, _ms(change) + 30 * _HOUR_MS
    expression = data.draw(expressions(change.astimezone(ZoneInfo(zone))))
    expected = slots(expression, zone, low_ms, high_ms)
    close = st.integers(_ms(change) - 3 * _HOUR_MS, _ms(change) + 3 * _HOUR_MS)
    minute = close.map(lambda at_ms: at_ms // MINUTE_MS * MINUTE_MS)
    at_ms = data.draw(minute | close | st.integers(low_ms, high_ms - 1) | st.sampled_from(expected or [low_ms]))
    _agrees(Cron(expression.text, tz=zone), expected, at_ms, low_ms, high_ms)


def _agrees(cron: Cron, expected: list[int], at_ms: int, low_ms: int, high_ms: int) -> None:
    upcoming_ms = cron.next_ms(at_ms)
    assert next((slot for slot in expected if slot > at_ms), None) == (
        upcoming_ms if upcoming_ms is not None and upcoming_ms < high_ms else None
    )
    past = [slot for slot in expected if slot <= at_ms]
    assert (past[-1] if past else None) == cron.latest_ms(at_ms, low_ms - 1)


@pytest.mark.parametrize("place", _PLACES)
@settings(max_examples=4, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_walking_over_a_clock_change_meets_each_slot_once(place: str, data: st.DataObject) -> None:
    """Going on from slot to slot, either way, loses none and repeats none."""
    zone, change = _PLACES[place]
    low_ms, high_ms = _ms(change) - 4 * _HOUR_MS, _ms(change) + 4 * _HOUR_MS
    expression = data.draw(expressions(change.astimezone(ZoneInfo(zone))))
    expected, cron = slots(expression, zone, low_ms, high_ms), Cron(expression.text, tz=zone)
    forward, at_ms = [], cron.next_ms(low_ms - 1)
    while at_ms is not None and at_ms < high_ms:
        forward.append(at_ms)
        at_ms = cron.next_ms(at_ms)
    assert expected == forward
    backward, at_ms = [], cron.latest_ms(high_ms - 1, low_ms - 1)
    while at_ms is not None:
        backward.append(at_ms)
        at_ms = cron.latest_ms(at_ms - 1, low_ms - 1)
    assert expected == backward[::-1]


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    expression=expressions(datetime(2028, 2, 29, 12, tzinfo=UTC)),
    after=st.datetimes(datetime(1999, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001  (made aware below)
)
def test_far_ahead_the_slots_are_those_of_the_calendar(expression: Expression, after: datetime) -> None:
    """Where clocks never change, the next slots are the next days and times named, years ahead if need be."""
    after_ms, days = _ms(after.replace(tzinfo=UTC)), 3 * 366
    expected = list(islice(utc_slots(expression, after_ms, days), 3))
    found = [_ms(slot) for slot in Cron(expression.text).next(after.replace(tzinfo=UTC), 3)]
    limit_ms = _ms((after + timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, tzinfo=UTC))
    assert [slot for slot in expected if slot < limit_ms] == [slot for slot in found if slot < limit_ms]


@settings(max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    expression=expressions(datetime(2028, 2, 29, 12, tzinfo=UTC)),
    zone=st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "+05:30", "Pacific/Apia", "Asia/Tehran"]),
    at_ms=st.integers(0, 4_000_000_000_000),
)
def test_next_and_latest_are_each_others_inverse(expression: Expression, zone: str, at_ms: int) -> None:
    """Nothing lies between an instant and its next slot, nor after the latest one."""
    cron = Cron(expression.text, tz=zone)
    next_ms = cron.next_ms(at_ms)
    assert next_ms is not None
    assert next_ms > at_ms
    assert next_ms == cron.latest_ms(next_ms, at_ms)
    assert cron.latest_ms(next_ms - 1, at_ms) is None


@settings(max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(expression=expressions(datetime(2028, 2, 29, 12, tzinfo=UTC)))
def test_the_normal_form_reads_back_as_itself(expression: Expression) -> None:
    """`expression` is a fixed point: what is stored makes an equal trigger."""
    cron = Cron(expression.text)
    assert cron == Cron(cron.expression)
    assert cron.expression == Cron(cron.expression).expression
