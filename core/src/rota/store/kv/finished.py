"""Finished instances by the time of their end, across kinds."""

from collections.abc import Callable
from typing import Final, NamedTuple

from rota.model.query import PurgeFilter
from rota.store.histories import FINAL, NUMBER
from rota.store.kv.entry import decode
from rota.store.kv.keys import AFTER_ALL, BEFORE_ALL, as_bytes, number, number_in, text
from rota.store.kv.stats import counted_kinds
from rota.store.kv.step import Step
from rota.store.ordered_kv import Range

__all__ = ["Ended", "finished"]

_READ: Final = 4_000  # keys that one round trip brings, about
_LEAST: Final = 16


class Ended(NamedTuple):
    """An instance that has ended; in order of the end."""

    ended_ms: int
    id: bytes
    kind: str


def finished(begin: Callable[[], Step], query: PurgeFilter, limit: int, after: Ended | None) -> list[Ended]:
    """The next finished instances that match beyond `after`: `limit` of them, fewer at the end alone."""
    states = FINAL if query.states is None else [NUMBER[one] for one in query.states if NUMBER[one] in FINAL]
    since = BEFORE_ALL if query.ended_since_ms is None else query.ended_since_ms
    until = AFTER_ALL if query.ended_until_ms is None else query.ended_until_ms
    if query.ids is not None:
        found = sorted(_named(begin(), query, states, since, until))
        return [one for one in found if after is None or one[:2] > after[:2]][: max(limit, 0)]
    matches: list[Ended] = []
    kinds = list(counted_kinds(begin(), query.kinds))
    size = min(max(limit, _LEAST), max(_LEAST, _READ // max(len(kinds), 1)))
    while len(matches) < limit and kinds:
        read = _slice(begin(), kinds, since, until, after, size)
        matches += [one for one, state in read if state in states]
        if len(read) < size:
            break
        after = read[-1][0]
    return matches[: max(limit, 0)]


def _slice(
    step: Step, kinds: list[str], since: int, until: int, after: Ended | None, size: int
) -> list[tuple[Ended, int]]:
    """The next that ended, whatever their state."""
    ranges: list[Range] = []
    for kind in kinds:
        start = step.keys.of(b"f", text(kind))
        first = number(since) if after is None else max(number(since), number(after.ended_ms) + after.id + b"\0")
        ranges.append(Range(start + first, max(start + number(until), start + first), size))
    read: list[tuple[Ended, int]] = []
    for kind, page in zip(kinds, step.load((), ranges), strict=True):
        start_at = len(step.keys.of(b"f", text(kind)))
        read += [
            (Ended(number_in(key, start_at), key[start_at + 8 :], kind), decode.state(value)) for key, value, _ in page
        ]
    return sorted(read)[:size]


def _named(step: Step, query: PurgeFilter, states: list[int] | tuple[int, ...], since: int, until: int) -> list[Ended]:
    ids = list(dict.fromkeys(map(as_bytes, query.ids or ())))
    step.load(map(step.keys.instance, ids))
    found: list[Ended] = []
    for one in ids:
        entry = step.entry(one)
        if entry is None or entry.ended_ms is None or not since <= entry.ended_ms < until:
            continue
        if entry.state in states and (query.kinds is None or entry.record.kind in query.kinds):
            found.append(Ended(entry.ended_ms, one, entry.record.kind))
    return found
