"""`Every`: slots by arithmetic alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.engine.every import Every
from rota.model.errors import ConfigError

_START = datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)
_START_MS = int(_START.timestamp() * 1000)


def test_without_a_start_slots_are_multiples_since_1970() -> None:
    """Machines that never spoke to each other mean the same slots."""
    assert [_START.replace(second=20), _START.replace(second=40)] == Every(20).next(_START, 2)


def test_with_a_start_the_first_slot_is_the_start() -> None:
    """Nothing happens before it, and what follows is counted from it."""
    every = Every(timedelta(hours=6), start=_START)
    assert [_START, _START + timedelta(hours=6)] == every.next(_START - timedelta(days=40), 2)
    assert every.latest_ms(_START_MS - 1, 0) is None
    assert _START_MS == every.latest_ms(_START_MS + 1, 0)


@settings(max_examples=200, deadline=None, database=None)
@given(
    period_ms=st.integers(1, 10**6),
    start_ms=st.none() | st.integers(-(10**7), 10**7),
    after_ms=st.integers(-(10**7), 10**7),
    span_ms=st.integers(0, 5000),
)
def test_slots_are_start_plus_whole_periods(period_ms: int, start_ms: int | None, after_ms: int, span_ms: int) -> None:
    """`next_ms` and `latest_ms` name the ends of what a search millisecond by millisecond finds."""
    start = None if start_ms is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=start_ms)
    every = Every(timedelta(milliseconds=period_ms), start=start)
    first_ms = -(10**9) if start_ms is None else start_ms
    window = range(after_ms + 1, after_ms + span_ms + 1)
    slots = [t for t in window if t >= first_ms and (t - (start_ms or 0)) % period_ms == 0]
    next_ms = every.next_ms(after_ms)
    assert (slots[0] if slots else None) == (next_ms if next_ms in window else None)
    assert (slots[-1] if slots else None) == every.latest_ms(after_ms + span_ms, after_ms)


@pytest.mark.parametrize("period", [0, 0.0004, -1, float("nan"), "5m", None, timedelta(0)])
def test_period_below_a_millisecond_is_refused(period: float) -> None:
    """The error comes where it is written."""
    with pytest.raises(ConfigError, match=r"Every\(period\)"):
        Every(period)


def test_naive_start_or_after_is_refused() -> None:
    """A datetime without a zone names no instant."""
    with pytest.raises(ConfigError, match=r"Every\(start\)"):
        Every(5, start=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ConfigError, match=r"Every\.next"):
        Every(5).next(datetime(2026, 1, 1))  # noqa: DTZ001


def test_value_is_equal_by_content_and_frozen() -> None:
    """Seconds and timedelta say the same; jitter and start are part of it."""
    assert Every(90, jitter=1) == Every(timedelta(minutes=1.5), jitter=timedelta(seconds=1))
    assert hash(Every(90)) == hash(Every(timedelta(minutes=1.5)))
    assert Every(90) != Every(90, jitter=1)
    assert Every(90) != Every(90, start=_START)
    assert "Every(1.5)" == repr(Every(1.5))
    assert f"Every(1, start={_START!r}, jitter=0.5)" == repr(Every(1, start=_START, jitter=0.5))
    with pytest.raises(AttributeError):
        Every(90).period_ms = 1  # type: ignore[misc]


def test_beyond_the_calendar_there_is_no_slot() -> None:
    """A period of centuries and an instant past the last year have an answer too."""
    assert (
        Every(timedelta(days=300_000), start=datetime(8500, 1, 1, tzinfo=UTC)).next(datetime(8600, 1, 1, tzinfo=UTC))
        == []
    )
    assert Every(1).next_ms(10**18) is None
    assert Every(1).next(datetime.max.replace(tzinfo=UTC)) == []
    assert Every(1).latest_ms(10**18, 0) is not None
