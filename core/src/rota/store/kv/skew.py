"""Whether a worker's clock is that of the others, where each has its own (`OrderedKV.clock` is "client")."""

from collections.abc import Iterable
from typing import Final

from rota.store.kv.entry import Beat

__all__ = ["MOST_SKEW_MS", "skew_ms"]

MOST_SKEW_MS: Final = 1_000  #: a worker that is further off does not claim


def skew_ms(now_ms: int, own: tuple[Beat, int] | None, others: Iterable[tuple[Beat, int]]) -> int:
    """How far the median of the clocks is ahead of our own, at least: each beat comes with its revision, and one that
    was put after our last one tells a time between that one and now. Of two in the middle the nearer one counts: when
    as many say this as say that, nobody knows who is wrong, and nobody stops."""
    known = [0, *(_ahead_ms(now_ms, own, *other) for other in others)]
    known.sort()
    return min(known[(len(known) - 1) // 2], known[len(known) // 2], key=abs)


def _ahead_ms(now_ms: int, own: tuple[Beat, int] | None, beat: Beat, revision: int) -> int:
    told_ms = beat.info.beat_ms
    if own is None:
        return max(0, told_ms - now_ms)
    own_ms = own[0].info.beat_ms
    if revision < own[1]:
        return max(0, told_ms - own_ms)
    return max(0, told_ms - now_ms) - max(0, own_ms - told_ms)
