"""Queue policies: the number by which a ready instance waits in line, smaller first.

A rank is fixed when the instance is enqueued and orders only what is due already; among equal ranks the
earlier due time goes first, then the earlier id. It has at most 53 bits, since stores keep it as a float too.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeAlias

from rota.model.duration import to_ms
from rota.model.errors import ConfigError
from rota.model.records import InstanceRecord

__all__ = [
    "MAX_RANK", "RankFunction", "aged_priority_rank", "check_priority", "deadline_rank", "fifo_rank",
    "planned_ms", "priority_policy", "priority_rank",
]  # fmt: skip

RankFunction: TypeAlias = Callable[[InstanceRecord], int]

MAX_RANK: Final = 2**53 - 1
_PRIORITIES: Final = range(-(2**31), 2**31)


def priority_policy(*, ageing: timedelta | None = None) -> RankFunction:
    """By priority; with `ageing`, so long a wait makes up for one step of it, and no wait is without end."""
    if ageing is None:
        return priority_rank
    weight_ms = to_ms(ageing, "ageing")
    if weight_ms < 1:
        raise ConfigError(f"ageing must be a millisecond or more; got {ageing!r}")
    return aged_priority_rank(weight_ms)


def priority_rank(record: InstanceRecord) -> int:
    """The default: lower values first, as Unix nice; the earlier due among equals."""
    return record.priority


def fifo_rank(record: InstanceRecord) -> int:
    """All alike, so that the due time decides, by the store's clock."""
    return 0


def deadline_rank(record: InstanceRecord) -> int:
    """The one that expires first goes first; those that never do come last."""
    if record.expires_ms is not None:
        return _bounded(record.expires_ms)
    if record.expires_after_ms is not None:
        return _bounded(record.created_ms + record.expires_after_ms)
    return MAX_RANK


def aged_priority_rank(weight_ms: int) -> RankFunction:
    """Priority that waiting wears off: one step of priority is worth `weight_ms` of waiting, 1 or more."""
    if type(weight_ms) is not int or weight_ms < 1:
        raise ConfigError(f"aged priority: weight_ms must be whole milliseconds, 1 or more; got {weight_ms!r}")

    def rank(record: InstanceRecord) -> int:
        return _bounded(planned_ms(record) + record.priority * weight_ms)

    return rank


def planned_ms(record: InstanceRecord) -> int:
    """When an instance is meant to run, by the clock of the client that made it."""
    return record.created_ms + record.delay_ms if record.due_ms is None else record.due_ms


def check_priority(value: object) -> int:
    """The value, when it is a 32-bit integer; else ConfigError."""
    if isinstance(value, bool) or not isinstance(value, int) or value not in _PRIORITIES:
        raise ConfigError(f"priority must be a 32-bit integer, lower first (high 0, default 5, low 10); got {value!r}")
    return value


def _bounded(rank: int) -> int:
    return max(-MAX_RANK, min(rank, MAX_RANK))
