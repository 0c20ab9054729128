"""Durations and instants at the public edge: `timedelta` or seconds, aware `datetime`; milliseconds inside."""

from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from rota.model.errors import ConfigError

__all__ = ["Duration", "from_ms", "to_instant_ms", "to_ms", "to_seconds"]

#: A bare number is seconds, as everywhere in the standard library.
Duration: TypeAlias = timedelta | float

_LONGEST_S: Final = 1000 * 366 * 86_400  # so that an instant plus a duration is an instant


def to_ms(value: Duration, what: str = "duration") -> int:
    """Whole milliseconds of a duration, rounded; ConfigError unless it lies between zero and 1,000 years."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= _LONGEST_S:
        raise ConfigError(f"{what} must be a timedelta or a number of seconds, zero to 1,000 years; got {value!r}")
    return round(seconds * 1000)


def to_seconds(value: Duration, what: str = "duration") -> float:
    """Seconds of a duration; ConfigError unless it lies between zero and 1,000 years."""
    return to_ms(value, what) / 1000


def to_instant_ms(value: datetime, what: str = "datetime") -> int:
    """Milliseconds since 1970 UTC; ConfigError for a naive datetime, which names no instant."""
    if not isinstance(value, datetime):
        raise ConfigError(f"{what} must be an aware datetime; got {value!r}")
    if value.tzinfo is None or value.utcoffset() is None:
        raise ConfigError(f"{what} must be aware, to name one instant; {value!r} has no tzinfo (try tzinfo=UTC)")
    return round(value.timestamp() * 1000)


def from_ms(value_ms: int) -> datetime:
    """The aware UTC datetime of milliseconds since 1970 UTC."""
    return datetime.fromtimestamp(value_ms / 1000, UTC)
