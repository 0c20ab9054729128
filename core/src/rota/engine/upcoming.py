"""The next instants of a trigger as datetimes, for people: what `Cron.next` and `Every.next` answer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from rota.model.duration import to_instant_ms
from rota.model.errors import ConfigError

__all__ = ["LAST_MS", "upcoming"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: No slot lies later: the year 9000, so that no zone's datetime overflows.
LAST_MS: Final = (datetime(9000, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def upcoming(
    next_ms: Callable[[int], int | None], after: datetime, count: int, zone: tzinfo, where: str
) -> list[datetime]:
    """Up to `count` instants strictly after `after`, aware, in `zone`; fewer only when there are no more."""
    to_instant_ms(after, f"{where}.next(after)")
    if type(count) is not int or count < 0:
        raise ConfigError(f"{where}.next(count) must be a whole number, 0 or more; got {count!r}")
    # Rounded down: a slot half a millisecond after `after` is still to come.
    slot_ms: int | None = (after - _EPOCH) // timedelta(milliseconds=1)
    found: list[datetime] = []
    while len(found) < count and slot_ms is not None and (slot_ms := next_ms(slot_ms)) is not None:
        found.append((_EPOCH + timedelta(milliseconds=slot_ms)).astimezone(zone))
    return found
