"""Questions to a store: frozen selections. What is None or empty does not select."""

import msgspec

from rota.model.state import State

__all__ = ["InstanceFilter", "LogFilter", "PurgeFilter"]


class InstanceFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Instances that meet all of it. Windows are half open: since <= t < until, in the store's clock."""

    ids: tuple[str, ...] | None = None
    kinds: frozenset[str] | None = None
    states: frozenset[State] | None = None
    created_since_ms: int | None = None
    created_until_ms: int | None = None
    ended_since_ms: int | None = None
    ended_until_ms: int | None = None
    worker: str | None = None
    schedule: str | None = None
    parent: str | None = None
    unique_key: str | None = None
    reason: str | None = None
    newest_first: bool = True


class PurgeFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Finished instances that meet all of it; `ended_until_ms` is exclusive."""

    ids: tuple[str, ...] | None = None
    kinds: frozenset[str] | None = None
    states: frozenset[State] | None = None
    ended_until_ms: int | None = None


class LogFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lines of one instance, from `position` on (0: the first), at `min_level` or above."""

    id: str
    position: int = 0
    limit: int = 1000
    min_level: int = 0
