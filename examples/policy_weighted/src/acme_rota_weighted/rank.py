"""The policy: each kind has a time that it should start within, and what has come nearest to its own goes first."""

from collections.abc import Callable
from datetime import timedelta
from fnmatch import fnmatchcase

from rota.engine.rank import planned_ms
from rota.model.records import InstanceRecord


def weighted(*, weights: str = "", span: timedelta = timedelta(minutes=10)) -> Callable[[InstanceRecord], int]:
    """Make the rank function of the options.

    `weights` are kinds, or patterns of them, each with a number above 0: "mail.*:10,report:0.5"; the first that matches
    counts, a kind that none matches has weight 1. An instance should start within `span` divided by its weight.
    """
    table = [_weight(item) for item in weights.split(",") if item]

    def rank(record: InstanceRecord) -> int:
        weight = next((weight for pattern, weight in table if fnmatchcase(record.kind, pattern)), 1.0)
        return planned_ms(record) + round(span / weight / timedelta(milliseconds=1))

    return rank


def _weight(item: str) -> tuple[str, float]:
    pattern, _, number = item.rpartition(":")
    weight = float(number)
    if not pattern or not 0.001 <= weight <= 1000:  # also what is no number at all
        raise ValueError(f"weights are KIND:NUMBER, 0.001 to 1000, joined by commas; got {item!r}")
    return pattern, weight
