"""Durations and instants at the edge, milliseconds inside."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from rota import ConfigError
from rota.model.duration import from_ms, to_instant_ms, to_ms, to_seconds


@pytest.mark.parametrize(
    ("given", "ms"), [(0, 0), (1, 1000), (0.0005, 0), (0.0015, 2), (1.5, 1500), (timedelta(days=1), 86_400_000)]
)
def test_duration_is_whole_milliseconds(given: float | timedelta, ms: int) -> None:
    """Seconds or a timedelta, rounded to a millisecond."""
    assert ms == to_ms(given)
    assert ms / 1000 == to_seconds(given)


@pytest.mark.parametrize(
    "given",
    [-1, -0.001, timedelta(seconds=-1), True, float("nan"), float("inf"), 1e300, timedelta.max, "5", None, 3j],
)
def test_what_is_no_duration_is_refused(given: object) -> None:
    """Negative, endless, not a number at all, or longer than any calendar: ConfigError naming the parameter."""
    with pytest.raises(ConfigError, match=r"options\(after\)"):
        to_ms(given, "options(after)")  # type: ignore[arg-type]


def test_instants_of_all_zones_are_one_scale() -> None:
    """The same instant gives the same milliseconds, and comes back in UTC."""
    east = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert to_instant_ms(datetime(2026, 1, 1, tzinfo=UTC)) == to_instant_ms(east)
    assert (east, UTC) == (from_ms(to_instant_ms(east)), from_ms(0).tzinfo)


@pytest.mark.parametrize("at_ms", [0, 1, 999, 1_767_225_600_123, 1_767_225_600_999, -1])
def test_milliseconds_survive_the_way_out_and_back(at_ms: int) -> None:
    """No millisecond is lost to floating point."""
    assert at_ms == to_instant_ms(from_ms(at_ms))


@pytest.mark.parametrize("given", [datetime(2026, 1, 1), "2026-01-01", 0, None])  # noqa: DTZ001
def test_what_names_no_instant_is_refused(given: object) -> None:
    """A naive datetime names no instant; the message says how to mend it."""
    with pytest.raises(ConfigError, match="aware"):
        to_instant_ms(given)  # type: ignore[arg-type]
