"""The jobs that remove what has stayed its time: finished instances, and their logs before them."""

from collections.abc import Callable
from typing import Final

from rota.client.store_client import store_beneath
from rota.engine.retention import beyond_count, expired_instances, expired_logs
from rota.jobs.context import Context
from rota.model.query import PurgeFilter
from rota.model.records import Document, KeepRecord
from rota.store.contract import Store

__all__ = ["clean_history", "clean_logs"]

_SLICE: Final = 1_000  # looked at or removed in one step, so that others have their turn and a cancel is heard
_DONE: Final = "rota/log-cleaner/"  # followed by a kind: up to which end its logs are gone, in ms


def clean_history(ctx: Context) -> dict[str, int]:
    """Remove finished instances that have stayed their time, as their kinds say (`keep`); how many of each kind."""
    return _by_kind(ctx, _clean_instances)


def clean_logs(ctx: Context) -> dict[str, int]:
    """Remove the log lines of finished instances that have stayed their time, as their kinds say (`keep`); of how
    many instances of each kind."""
    removed = _by_kind(ctx, _clean_logs)
    _forget_gone(store_beneath(ctx.client))
    return removed


def _by_kind(ctx: Context, clean: Callable[[Context, Store, str, KeepRecord], int]) -> dict[str, int]:
    """Clean the kinds that have instances one by one; those that nobody has published by the default."""
    store = store_beneath(ctx.client)
    published = {one.kind: one.keep for one in store.kinds()}
    kinds = [one.kind for one in store.stats()]
    removed: dict[str, int] = {}
    for number, kind in enumerate(kinds, 1):
        if found := clean(ctx, store, kind, published.get(kind, KeepRecord())):
            removed[kind] = found
        ctx.progress(number / len(kinds), kind)
    return removed


def _clean_instances(ctx: Context, store: Store, kind: str, keep: KeepRecord) -> int:
    removed = 0
    for query in expired_instances(kind, keep, store.now_ms()):
        while found := store.purge(query, _SLICE):
            removed += found
            ctx.check()
    while found := _purge_beyond_count(store, kind, keep):
        removed += found
        ctx.check()
    return removed


def _purge_beyond_count(store: Store, kind: str, keep: KeepRecord) -> int:
    excess = 0 if keep.count is None else sum(beyond_count(keep, one.counts) for one in store.stats([kind]))
    return store.purge(PurgeFilter(kinds=frozenset({kind})), min(excess, _SLICE)) if excess else 0


def _clean_logs(ctx: Context, store: Store, kind: str, keep: KeepRecord) -> int:
    (document,) = store.load([_DONE + kind])
    done_ms = None if document is None or document.value is None else int(document.value)
    query = expired_logs(kind, keep, store.now_ms(), done_ms)
    if query is None:
        return 0
    removed, cursor = store.drop_logs(query, None, _SLICE)
    while cursor is not None:
        ctx.check()
        found, cursor = store.drop_logs(query, cursor, _SLICE)
        removed += found
    # Lost to another cleaner, or with this process, it only means to look at the same ones again.
    version = 0 if document is None else document.version
    store.save([Document(_DONE + kind, str(query.ended_until_ms).encode(), version)])
    return removed


def _forget_gone(store: Store) -> None:
    """Forget how far it got with kinds that have no instances any more."""
    here = {one.kind for one in store.stats()}
    cursor: str | None = None
    while True:
        documents, cursor = store.scan(_DONE, cursor)
        for one in documents:
            if one.key.removeprefix(_DONE) not in here:
                store.save([Document(one.key, None, one.version)])
        if cursor is None:
            return
