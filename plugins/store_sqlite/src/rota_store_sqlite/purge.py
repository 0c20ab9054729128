"""`purge`: remove finished instances with all that belongs to them."""

from heapq import merge
from itertools import islice
from typing import Final

from rota.model.query import PurgeFilter
from rota_store_sqlite.entry import AFTER_ALL, BEFORE_ALL, FINAL, NUMBER
from rota_store_sqlite.parts import for_rows, parts
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Kind, Step
from rota_store_sqlite.topics import ENDED, LINES

__all__ = ["finished", "purge"]

_INSTANCE: Final = statements("instance")
_EDGE: Final = statements("edge")
_LOG: Final = statements("log")
_NAMESPACE: Final = statements("namespace")

_Row = tuple[int, bytes, int, int, int]  # the end, the id, the row, its kind and state


def purge(step: Step, query: PurgeFilter, limit: int) -> int:
    """Remove up to `limit` that match, those that ended first, first; how many. One with live dependents stays."""
    rows = finished(step, query, limit, None, free=True)
    for some in parts([n for _, _, n, *_ in rows]):
        step.connection.execute(for_rows(_LOG["drop_all"], len(some)), some)
        step.connection.execute(for_rows(_INSTANCE["remove"], len(some)), some)
    for *_, kind, state in rows:
        step.counts[kind, state] -= 1
    step.write_counts()
    for kind in {kind for *_, kind, _ in rows}:
        step.connection.execute(_NAMESPACE["tidy_counters"], (kind,))
        step.connection.execute(_NAMESPACE["drop_kind_if_empty"], (kind,))
    step.rings |= ENDED | LINES
    return len(rows)


def finished(
    step: Step, query: PurgeFilter, limit: int, after: tuple[int, bytes] | None, *, free: bool = False
) -> list[_Row]:
    """Up to `limit` finished instances that match, by the time of their end, beyond `after`; with `free` those alone
    that no live dependent needs."""
    since = query.ended_since_ms if query.ended_since_ms is not None else BEFORE_ALL
    until = query.ended_until_ms if query.ended_until_ms is not None else AFTER_ALL
    if query.ids is not None:
        found = sorted(_named(step, query, since, until))
        rows = (row for row in found if after is None or row[:2] > after)
        return list(islice((row for row in rows if not free or _is_free(step, row)), max(limit, 0)))
    if after is not None:
        since = max(since, after[0])
    states = FINAL if query.states is None else [number for number in FINAL if number in _numbers(query)]
    walks = [
        step.connection.execute(_INSTANCE["ended"], (kind, state, since, until))
        for kind in _kinds(step, query)
        for state in states
    ]
    rows = (row for row in merge(*walks) if after is None or row[:2] > after)
    return list(islice((row for row in rows if not free or _is_free(step, row)), max(limit, 0)))


def _named(step: Step, query: PurgeFilter, since: int, until: int) -> list[_Row]:
    kinds = None if query.kinds is None else set(_kinds(step, query))
    found = []
    for instance_id in dict.fromkeys(query.ids or ()):
        entry = step.entry(instance_id)
        if entry is None or entry.ended_ms is None or not since <= entry.ended_ms < until:
            continue
        if (kinds is None or entry.kind in kinds) and (query.states is None or entry.state in _numbers(query)):
            found.append((entry.ended_ms, entry.id, entry.n, entry.kind, entry.state))
    return found


def _numbers(query: PurgeFilter) -> frozenset[int]:
    return frozenset(NUMBER[state] for state in query.states or ())


def _kinds(step: Step, query: PurgeFilter) -> list[int]:
    if query.kinds is not None:
        return [kind.id for kind in step.named_kinds(query.kinds)]
    return [Kind(*row).id for row in step.connection.execute(_NAMESPACE["kinds"], (step.ns,)).fetchall()]


def _is_free(step: Step, row: _Row) -> bool:
    return not step.has_edges or step.one(_EDGE, "holds", row[2]) is None
