"""Following state changes: from now or from a cursor, by what a change tells, and no longer than somebody follows."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast
from uuid import UUID

import pytest
from core.tests.client.managers import ByHand, Watched, fresh_url, managed, store_of

from rota import Change, Manager, Query, QueryError, State
from rota.model.errors import CursorExpired, UnsupportedFeature
from rota.model.records import Ending
from rota.testing import wait_until


def _take(changes: Iterator[Change], number: int) -> list[tuple[str, str]]:
    return [(one.kind, one.transition.state.value) for one in islice(changes, number)]


def _stream_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "rota-stream"]


def test_changes_come_in_order_from_the_call_on() -> None:
    """What happened before is not told, what happens between the call and the first look is."""
    with managed() as manager:
        manager.remote("before").schedule()
        changes = manager.watch()
        one = manager.remote("a").schedule()
        ByHand(manager).end("a")
        first = next(changes)
        assert (one.id, "a", State.CREATED) == (first.instance_id, first.kind, first.transition.state)
        assert [("a", "scheduled"), ("a", "processing"), ("a", "completed")] == _take(changes, 3)


def test_watch_goes_on_at_any_cursor_without_missing_or_repeating() -> None:
    """Cut after each change and resumed by its cursor, also by another manager, it tells the same."""
    url = fresh_url()
    with managed(store=url) as manager, managed(store=url) as other:
        whole = manager.watch()
        cut = other.watch()
        worker = ByHand(manager)
        for number in range(40):
            manager.remote("a").schedule()
            worker.end("a", ending=[*Ending][number % 4])
        expected = [(one.instance_id, one.transition) for one in islice(whole, 160)]
        found = []
        for _ in range(160):
            one = next(cut)
            found.append((one.instance_id, one.transition))
            cut = other.watch(cursor=one.cursor)
        assert expected == found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(kind="b"), [("b", "created"), ("b", "scheduled"), ("b", "processing"), ("b", "terminated")]),
        (Query(state=[State.COMPLETED, State.TERMINATED]), [("a", "completed"), ("b", "terminated")]),
        (Query(worker="by-hand", kind="a"), [("a", "processing"), ("a", "completed")]),
        (Query(reason="poison"), [("b", "terminated")]),
    ],
)
def test_query_selects_by_what_a_change_tells(query: Query, expected: list[tuple[str, str]]) -> None:
    """Each change is judged by itself: the state it led to, and who made it, for which reason."""
    with managed() as manager:
        changes = manager.watch(query)
        worker = ByHand(manager)
        manager.remote("a").schedule()
        worker.end("a")
        manager.remote("b").schedule()
        worker.end("b", ending=Ending.TERMINATED, reason="poison")
        assert expected == _take(changes, len(expected))


def test_ids_select() -> None:
    """Those of one instance."""
    with managed() as manager:
        one, other = manager.remote("a").schedule(), manager.remote("a").schedule()
        changes = manager.watch(Query(ids=[other.id]))
        manager.cancel(Query())
        assert other.id == next(changes).instance_id
        assert one.id != other.id


@pytest.mark.parametrize("query", [
    Query(schedule="s"), Query(unique_key="k"), Query(parent=UUID(int=7)),
    *(Query(**{name: datetime(2026, 1, 1, tzinfo=UTC)}) for name in ("since", "until", "ended_since", "ended_until")),
], ids=repr)  # fmt: skip
def test_query_by_what_no_change_tells_is_refused_at_the_call(query: Query) -> None:
    """Not when the first change comes."""
    with managed() as manager, pytest.raises(QueryError, match="a change tells no more"):
        manager.watch(query)


@pytest.mark.parametrize("query", [Query(ids=[]), Query(kind=[]), Query(state=[])], ids=repr)
def test_query_that_matches_nothing_ends_at_once(query: Query) -> None:
    """It would wait for ever."""
    with managed() as manager:
        assert [] == list(manager.watch(query))
        assert [] == asyncio.run(_collect(manager.awatch(query)))


async def _collect(changes: AsyncIterator[Change]) -> list[Change]:
    return [one async for one in changes]


def test_cursor_too_old_and_store_without_changes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one with what to do, the other by the feature that is missing."""
    monkeypatch.setattr("rota_store_memory.changes._KEPT", 10)
    with managed() as manager:
        changes = manager.watch()
        manager.schedule_many([manager.remote("a").call()] * 20)
        with pytest.raises(CursorExpired, match="ask for a new cursor"):
            next(changes)

    class Silent(Watched):
        @property
        def capabilities(self) -> Any:
            import msgspec

            return msgspec.structs.replace(self._store.capabilities, features=frozenset())

        def namespaced(self, namespace: str) -> "Silent":
            return self

    with managed() as base, Manager(Silent(store_of(base), [], frozenset())) as silent:
        with pytest.raises(UnsupportedFeature) as refused:
            silent.watch()
        assert "changes" == refused.value.feature


def test_watch_that_waits_ends_with_its_manager() -> None:
    """A thread that follows does not keep a closed manager's connection, nor open another one."""
    url, told = fresh_url(), list[Change]()
    with managed(store=url) as keeper:
        manager = managed(store=url)
        changes = manager.watch()
        thread = threading.Thread(target=lambda: told.extend(changes))
        thread.start()
        keeper.remote("a").schedule()
        wait_until(lambda: len(told) == 2)
        manager.close()
        thread.join(10)
        assert not thread.is_alive()
        keeper.remote("a").schedule()
        assert (2, False) == (len(told), manager._connection.is_open)


def test_two_watchers_each_get_everything() -> None:
    """In one loop, with a filter of their own; the changes of thousands, past several pages."""

    async def follow(manager: Manager, query: Query, number: int) -> list[str]:
        found: list[str] = []
        async with aclosing(cast(Any, manager.awatch(query, cursor=start))) as changes:
            async for one in changes:
                found.append(one.transition.state.value)
                if len(found) == number:
                    return found
        return found

    async def both(manager: Manager) -> list[list[str]]:
        return await asyncio.gather(
            follow(manager, Query(), 5000), follow(manager, Query(state=State.CANCELED, kind="a"), 1000)
        )

    with managed() as manager:
        start = store_of(manager).changes(None).cursor
        manager.schedule_many([manager.remote("a").call()] * 1000)
        manager.schedule_many([manager.remote("b").call()] * 1000)
        manager.cancel(Query(kind="a"))
        everything, canceled = asyncio.run(both(manager))
        assert (4000, 1000) == (sum(state != "canceled" for state in everything), everything.count("canceled"))
        assert ["canceled"] * 1000 == canceled


def test_canceled_awatch_leaves_no_thread() -> None:
    """Nor does one that is left in the middle; a closed manager ends it at the latest."""

    async def leave(manager: Manager) -> None:
        waiting = asyncio.create_task(_collect(manager.awatch()))
        async with aclosing(cast(Any, manager.awatch(cursor=start))) as changes:
            assert "a" == (await anext(changes)).kind
        await asyncio.sleep(0)
        while not _stream_threads():
            await asyncio.sleep(0.001)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting

    manager = Manager("memory://")  # on the real clock, whose seconds end a look
    with manager:
        start = store_of(manager).changes(None).cursor
        manager.remote("a").schedule()
        asyncio.run(leave(manager))
        wait_until(lambda: not _stream_threads(), 10, "the threads end within a second, the manager still open")


def test_slow_follower_holds_the_reading_back() -> None:
    """What it has not taken is left in the store, page by page, instead of growing here."""

    async def dawdle(manager: Manager, watched: Watched) -> None:
        async with aclosing(cast(Any, manager.awatch(cursor=start))) as changes:
            await anext(changes)
            looks = [name for name, _ in watched.asked].count("changes")
            manager.schedule_many(manager.remote("a").call() for _ in range(5000))
            for _ in range(3000):
                await anext(changes)
            assert [name for name, _ in watched.asked].count("changes") <= looks + 5

    watched = Watched.memory()
    with managed(store=watched) as manager:
        start = store_of(manager).changes(None).cursor
        manager.schedule_many(manager.remote("a").call() for _ in range(5000))
        asyncio.run(dawdle(manager, watched))
