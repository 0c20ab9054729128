"""How long finished instances and their logs stay: what a cleaner removes of a kind, at an instant."""

from collections.abc import Mapping
from typing import Final

from rota.model.query import PurgeFilter
from rota.model.records import KeepRecord
from rota.model.state import FINAL_STATES, State

__all__ = ["beyond_count", "expired_instances", "expired_logs"]

_FAILED: Final = frozenset({State.TERMINATED, State.TIMED_OUT})
_OTHERS: Final = FINAL_STATES - _FAILED


def expired_instances(kind: str, keep: KeepRecord, now_ms: int) -> list[PurgeFilter]:
    """Which finished instances of `kind` are older than `keep` lets them be at `now_ms`; one filter where failed
    ones stay as long as the others, none without a bound."""
    kinds = frozenset({kind})
    if keep.age_ms == keep.failed_ms:
        ages = [(FINAL_STATES, keep.age_ms)]
    else:
        ages = [(_OTHERS, keep.age_ms), (_FAILED, keep.failed_ms)]
    return [
        PurgeFilter(kinds=kinds, states=states, ended_until_ms=_bound(now_ms, age_ms))
        for states, age_ms in ages
        if age_ms is not None
    ]


def beyond_count(keep: KeepRecord, counts: Mapping[State, int]) -> int:
    """How many finished instances there are beyond those that `keep` allows, by the numbers in each state."""
    if keep.count is None:
        return 0
    return max(0, sum(counts.get(state, 0) for state in FINAL_STATES) - keep.count)


def expired_logs(kind: str, keep: KeepRecord, now_ms: int, done_ms: int | None) -> PurgeFilter | None:
    """Which finished instances of `kind` lose their log at `now_ms`, when those that ended before `done_ms` have lost
    theirs; None when there can't be any."""
    if keep.logs_ms is None:
        return None
    until_ms = _bound(now_ms, keep.logs_ms)
    if done_ms is not None and done_ms >= until_ms:
        return None
    return PurgeFilter(kinds=frozenset({kind}), ended_since_ms=done_ms, ended_until_ms=until_ms)


def _bound(now_ms: int, age_ms: int) -> int:
    """The first end that is young enough: what ended exactly `age_ms` ago has stayed its time."""
    return now_ms - age_ms + 1
