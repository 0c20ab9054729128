"""Questions to a store: frozen selections. What is None does not select; an empty collection matches nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from types import NoneType
from typing import Any, final
from uuid import UUID

import msgspec

from rota.model.duration import to_instant_ms
from rota.model.errors import QueryError
from rota.model.ids import uuid_to_id
from rota.model.state import State

__all__ = ["InstanceFilter", "LogFilter", "PurgeFilter", "Query", "check_query", "narrowed"]


class InstanceFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Instances that meet all of it. Windows are half open: since <= t < until, in the store's clock.

    `parent`: it depends on that one, or was scheduled in its job.
    """

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
    """Finished instances that meet all of it: since <= end < until."""

    ids: tuple[str, ...] | None = None
    kinds: frozenset[str] | None = None
    states: frozenset[State] | None = None
    ended_since_ms: int | None = None
    ended_until_ms: int | None = None


class LogFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lines of one instance, from `position` on (0: the first), at `min_level` or above."""

    id: str
    position: int = 0
    limit: int = 1000
    min_level: int = 0


@final
@dataclass(frozen=True, slots=True, init=False)
class Query:
    """Instances that meet all that is given; nothing given: all of them. An empty collection is met by none.

    `since` and `until` bound the time of creation, `ended_since` and `ended_until` that of the end, half open
    (since <= t < until). `worker` has it, or had it when it ended; `parent` is an instance that it depends on, or in
    whose job it was scheduled; `reason` is that of its last state change ("poison", "exhausted", "expired"). An empty
    collection of ids, kinds or states matches nothing, so that a list that came out empty never means all.
    """

    ids: tuple[UUID, ...] | None
    kind: frozenset[str] | None
    state: frozenset[State] | None
    since: datetime | None
    until: datetime | None
    ended_since: datetime | None
    ended_until: datetime | None
    worker: str | None
    parent: UUID | None
    reason: str | None
    schedule: str | None
    unique_key: str | None
    newest_first: bool

    def __init__(
        self,
        *,
        ids: Iterable[UUID] | None = None,
        kind: str | Iterable[str] | None = None,
        state: State | Iterable[State] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        ended_since: datetime | None = None,
        ended_until: datetime | None = None,
        worker: str | None = None,
        parent: UUID | None = None,
        reason: str | None = None,
        schedule: str | None = None,
        unique_key: str | None = None,
        newest_first: bool = True,
    ) -> None:
        values = (
            None if ids is None else tuple(_several("ids", ids)),
            None if kind is None else frozenset(_several("kind", kind)),
            None if state is None else frozenset(_several("state", state)),
            since,
            until,
            ended_since,
            ended_until,
            worker,
            parent,
            reason,
            schedule,
            unique_key,
            bool(newest_first),
        )
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)
        self.to_filter()

    @property
    def selects_none(self) -> bool:
        """True when nothing can match; the stored form can't say that."""
        return any(one is not None and not one for one in (self.ids, self.kind, self.state))

    def to_filter(self) -> InstanceFilter:
        """The stored form. Raises QueryError for what is not a state or an id, ConfigError for a naive datetime."""
        for state in self.state or ():
            if not isinstance(state, State):
                raise QueryError(f"Query(state) takes rota.State members; got {state!r}{_meant(state)}")
        if self.ids is not None and not all(isinstance(one, UUID) for one in self.ids):
            raise QueryError(f"Query(ids) takes uuid.UUID values; got {self.ids!r}")
        if self.parent is not None and not isinstance(self.parent, UUID):
            raise QueryError(f"Query(parent) takes a uuid.UUID; got {self.parent!r}")
        if not all(isinstance(one, str) for one in self.kind or ()):
            raise QueryError(f"Query(kind) takes text; got {self.kind!r}")
        for name in ("worker", "reason", "schedule", "unique_key"):
            if not isinstance(getattr(self, name), (str, NoneType)):
                raise QueryError(f"Query({name}) takes text; got {getattr(self, name)!r}")
        return InstanceFilter(
            ids=tuple(map(uuid_to_id, self.ids)) if self.ids is not None else None,
            kinds=self.kind,
            states=self.state,
            created_since_ms=_optional_ms(self.since, "since"),
            created_until_ms=_optional_ms(self.until, "until"),
            ended_since_ms=_optional_ms(self.ended_since, "ended_since"),
            ended_until_ms=_optional_ms(self.ended_until, "ended_until"),
            worker=self.worker,
            parent=None if self.parent is None else uuid_to_id(self.parent),
            reason=self.reason,
            schedule=self.schedule,
            unique_key=self.unique_key,
            newest_first=self.newest_first,
        )


def _optional_ms(value: datetime | None, name: str) -> int | None:
    return None if value is None else to_instant_ms(value, f"Query({name})")


def _several(name: str, given: Any) -> Iterable[Any]:
    """One value stands for a collection of it."""
    if isinstance(given, (str, State, UUID)):
        return (given,)
    if not isinstance(given, Iterable):
        raise QueryError(f"Query({name}) takes one value or a collection of them; got {given!r}")
    return given


def _meant(given: object) -> str:
    name = given.upper() if isinstance(given, str) else ""
    return f": write rota.State.{name}" if name in State.__members__ else ""


def check_query(what: str, given: object) -> Query:
    """The query; QueryError when it is none, with the one that may have been meant. `what` says who takes it."""
    if isinstance(given, Query):
        return given
    kind = given if isinstance(given, str) else getattr(given, "kind", None)
    if isinstance(getattr(given, "id", None), UUID):
        meant = "rota.Query(ids=[instance.id])"
    else:
        meant = f'rota.Query(kind="{kind if isinstance(kind, str) else "..."}")'
    raise QueryError(f"{what} takes a rota.Query; write {meant}; got {given!r}")


def narrowed(query: Query, states: frozenset[State]) -> Query:
    """The same, of `states` alone; newest first, so that what comes in meanwhile is never met."""
    state = states if query.state is None else query.state & states
    return replace(query, state=state, newest_first=True)
