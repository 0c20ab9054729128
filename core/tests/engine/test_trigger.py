"""Triggers to records and back."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.engine.trigger import Trigger, trigger_from, trigger_record
from rota.model.errors import ConfigError
from rota.model.records import TriggerRecord


@pytest.mark.parametrize(
    "trigger",
    [
        Cron("*/5 * * * *"),
        Cron("0 2 * * MON-FRI", tz="Europe/Berlin", jitter=timedelta(milliseconds=1)),
        Cron("@daily", tz=timezone(timedelta(hours=-3, minutes=-30)), jitter=86_400.001),
        Every(0.001),
        Every(timedelta(days=1), start=datetime(2026, 1, 1, 12, 30, 0, 123_000, tzinfo=UTC), jitter=5),
        Every(60, start=datetime(1969, 1, 1, tzinfo=UTC)),
    ],
)
def test_trigger_through_its_record_is_equal(trigger: Trigger) -> None:
    """What comes out of a store is what was put in, over the wire too."""
    record = trigger_record(trigger)
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=TriggerRecord)
    assert trigger == trigger_from(sent)
    assert record == trigger_record(trigger_from(sent))


def test_anything_else_is_no_trigger() -> None:
    """An expression as bare text is refused with what to write."""
    with pytest.raises(ConfigError, match=r"rota\.Cron"):
        trigger_record("* * * * *")  # type: ignore[arg-type]
