"""Following state changes: which queries a change can answer by itself, and its pages."""

from collections.abc import Callable, Iterator
from typing import Final

from rota.client.connection import Connection
from rota.jobs.views import Change
from rota.model.errors import QueryError, UnsupportedFeature
from rota.model.query import InstanceFilter, Query
from rota.model.records import Change as ChangeRecord
from rota.store.contract import Store

__all__ = ["start_of", "watched"]

_TICK_MS: Final = 1_000
_PAGE: Final = 1_000

_Check = Callable[[ChangeRecord], bool]


def start_of(store: Store, query: Query, cursor: str | None) -> str:
    """Where a watch begins: after `cursor`, or now.

    Raises: QueryError for a query that takes more than a change tells; UnsupportedFeature.
    """
    if "changes" not in store.capabilities.features:
        raise UnsupportedFeature(
            "watch() needs a store that tells of changes, which this one does not; ask with find() from time to time",
            feature="changes",
        )
    asked = query.to_filter()
    told = InstanceFilter(
        ids=asked.ids, kinds=asked.kinds, states=asked.states, worker=asked.worker, reason=asked.reason,
        newest_first=asked.newest_first,
    )  # fmt: skip
    if asked != told:
        raise QueryError("watch() selects by ids, kind, state, worker and reason: a change tells no more")
    return store.changes(None).cursor if cursor is None else cursor


def watched(connection: Connection, query: Query, cursor: str) -> Iterator[list[Change]]:
    """The changes after `cursor` that match, step by step, until the connection is closed: at least one list a
    second, though empty, so that whoever takes them can leave. Raises CursorExpired."""
    checks = list(_checks(query.to_filter()))
    while connection.is_open and not query.selects_none:
        page = connection.store.changes(cursor, _PAGE, _TICK_MS)
        cursor = page.cursor
        yield [Change.of(one) for one in page.changes if all(check(one) for check in checks)]


def _checks(asked: InstanceFilter) -> Iterator[_Check]:
    if (ids := asked.ids) is not None:
        wanted = frozenset(ids)
        yield lambda one: one.id in wanted
    if (kinds := asked.kinds) is not None:
        yield lambda one: one.kind in kinds
    if (states := asked.states) is not None:
        yield lambda one: one.transition.state in states
    if (worker := asked.worker) is not None:
        yield lambda one: one.transition.worker == worker
    if (reason := asked.reason) is not None:
        yield lambda one: one.transition.reason == reason
