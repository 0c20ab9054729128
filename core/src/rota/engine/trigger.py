"""Triggers as stores keep them, and back."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.model.errors import ConfigError
from rota.model.records import TriggerRecord

__all__ = ["Trigger", "trigger_from", "trigger_record"]

Trigger: TypeAlias = Cron | Every

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT: Final = (
    4096  # each takes a few kB; a rule's is asked for at every slot, and reading an expression anew takes longer
)


def trigger_record(trigger: Trigger) -> TriggerRecord:
    """What is stored of a trigger. Equal triggers give equal records. ConfigError for anything else."""
    if isinstance(trigger, Cron):
        return TriggerRecord("cron", trigger.expression, trigger.tz, jitter_ms=trigger.jitter_ms)
    if isinstance(trigger, Every):
        return TriggerRecord(
            "every", period_ms=trigger.period_ms, start_ms=trigger.start_ms, jitter_ms=trigger.jitter_ms
        )
    raise ConfigError(f"a schedule needs a trigger, rota.Cron(...) or rota.Every(...); got {trigger!r}")


@lru_cache(_KEPT)
def trigger_from(record: TriggerRecord) -> Trigger:
    """The trigger that a record was made of, read once. ConfigError when this machine lacks its time zone."""
    jitter = timedelta(milliseconds=record.jitter_ms)
    if record.type == "cron":
        return Cron(record.expression, tz=record.tz, jitter=jitter)
    start = None if record.start_ms is None else _EPOCH + timedelta(milliseconds=record.start_ms)
    return Every(timedelta(milliseconds=record.period_ms), start=start, jitter=jitter)
