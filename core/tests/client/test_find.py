"""Finding: every field of a query, in pages, either way, while others work."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from core.tests.client.managers import ByHand, Watched, managed

from rota import Every, Instance, Manager, Query, QueryError, State
from rota.model.records import Ending
from rota.testing import FakeClock, harness

_START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    """The clock of `shop`."""
    return FakeClock()


@pytest.fixture
def shop(clock: FakeClock) -> Iterator[Manager]:
    """Four instances of two kinds in four states, a second apart; the last one unique."""
    with managed(clock) as manager:
        worker = ByHand(manager)
        for kind, ending in (("a", Ending.COMPLETED), ("b", Ending.TERMINATED)):
            manager.remote(kind).schedule()
            worker.end(kind, ending=ending)
            clock.advance(1)
        manager.remote("a").schedule()
        worker.claim("a")
        clock.advance(1)
        manager.remote("b").options(after=60, unique_key="the last").schedule()
        yield manager


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"kind": "a"}, [0, 2]),
        ({"kind": ["a", "b"]}, [0, 1, 2, 3]),
        ({"kind": "c"}, []),
        ({"kind": []}, []),
        ({"state": State.COMPLETED}, [0]),
        ({"state": [State.PROCESSING, State.SCHEDULED]}, [2, 3]),
        ({"state": []}, []),
        ({"since": _START + timedelta(seconds=1)}, [1, 2, 3]),
        ({"until": _START + timedelta(seconds=1)}, [0]),
        ({"since": _START + timedelta(seconds=1), "until": _START + timedelta(seconds=2)}, [1]),
        ({"unique_key": "the last"}, [3]),
        ({"unique_key": "the first"}, []),
        ({"schedule": "none"}, []),
        ({"kind": "b", "state": State.TERMINATED}, [1]),
        ({"kind": "a", "state": State.TERMINATED}, []),
    ],
    ids=str,
)
def test_query_selects_what_meets_all_of_it(shop: Manager, query: dict[str, Any], expected: list[int]) -> None:
    """`find`, `scan` and `count` agree, newest first unless asked otherwise."""
    everything = list(shop.scan(Query(newest_first=False)))
    wanted = [everything[number] for number in expected]
    assert wanted == list(shop.scan(Query(**query, newest_first=False)))
    assert wanted[::-1] == list(shop.find(Query(**query)))
    assert len(wanted) == shop.count(Query(**query))


def test_ids_select_those_and_no_others(shop: Manager) -> None:
    """An id that is nowhere is no error; no id at all is nothing, not everything."""
    first, *_, last = shop.scan()
    assert {first, last} == set(shop.find(Query(ids=[last.id, uuid4(), first.id])))
    assert ([], 0, None) == (
        list(shop.find(Query(ids=[]))),
        shop.count(Query(ids=[])),
        shop.find(Query(ids=[])).next_cursor,
    )


def test_schedule_selects_what_a_rule_fired() -> None:
    """By the rule's name."""
    with harness(Manager("memory://")) as kit:
        manager = kit.manager
        job = manager.job(kind="tick")(lambda: None)
        manager.put_schedule("minutely", Every(60), job.call())
        job.schedule()
        kit.advance(60)
        assert ["minutely"] == [one.schedule for one in manager.find(Query(schedule="minutely"))]


@pytest.fixture
def many() -> Iterator[tuple[Manager, list[Instance[Any]]]]:
    """Twenty-five instances, oldest first."""
    with managed() as manager:
        job = manager.remote("n")
        yield manager, manager.schedule_many(job.call(number) for number in range(25))


@pytest.mark.parametrize("limit", [1, 7, 24, 25, 26, 1000])
@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_join_to_the_whole(many: tuple[Manager, list[Instance[Any]]], limit: int, newest_first: bool) -> None:
    """None is missed or repeated, either way; only a cursor of None ends."""
    manager, made = many
    found: list[Instance[Any]] = []
    page = manager.find(Query(newest_first=newest_first), limit=limit)
    while True:
        assert len(page) <= limit
        found.extend(page)
        if page.next_cursor is None:
            break
        page = manager.find(Query(newest_first=newest_first), limit=limit, cursor=page.next_cursor)
    assert (made[::-1] if newest_first else made) == found


def test_page_is_a_hundred_unless_asked(many: tuple[Manager, list[Instance[Any]]]) -> None:
    """The default limit."""
    manager, _ = many
    manager.schedule_many(manager.remote("n").call() for _ in range(200))
    assert 100 == len(manager.find())


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_limit_that_is_no_page_is_refused(many: tuple[Manager, list[Instance[Any]]], limit: int) -> None:
    """QueryError, not a store's surprise."""
    with pytest.raises(QueryError, match=r"limit.*1 to 1000"):
        many[0].find(limit=limit)


@pytest.mark.parametrize("cursor", ["", "nonsense", "after-"])
def test_cursor_that_is_none_is_refused(many: tuple[Manager, list[Instance[Any]]], cursor: str) -> None:
    """It must be one that `find` answered."""
    with pytest.raises(QueryError, match="cursor"):
        many[0].find(cursor=cursor)


def test_scan_meets_all_that_stood_throughout_while_others_add() -> None:
    """Once each; what is added meanwhile may come or not."""
    with managed() as manager:
        job = manager.remote("n")
        made = manager.schedule_many(job.call() for _ in range(2500))
        for newest_first in (True, False):
            found = []
            for number, one in enumerate(manager.scan(Query(newest_first=newest_first))):
                found.append(one.id)
                if number % 500 == 0 and number < 2500:
                    job.schedule()
            assert len(found) == len(set(found))
            assert {one.id for one in made} <= set(found)


def test_scan_asks_for_nothing_before_it_is_begun() -> None:
    """It is an iterator: a page at a time."""
    store = Watched.memory()
    with Manager(store) as manager:
        manager.schedule_many(manager.remote("n").call() for _ in range(1500))
        scan = manager.scan()
        assert 0 == sum(name == "find" for name, _ in store.asked)
        next(scan)
        assert 1 == sum(name == "find" for name, _ in store.asked)


@pytest.mark.parametrize("ask", ["find", "scan", "count", "cancel", "retry", "purge"])
def test_what_is_no_query_is_refused_with_the_query_that_was_meant(ask: str) -> None:
    """A kind's name, a job, an instance, anything: never taken for everything."""
    with managed() as manager:
        job = manager.job(kind="add")(lambda: 1)
        one = job.schedule()
        for given, said in (
            ("add", r'rota\.Query\(kind="add"\)'),
            (job, r'rota\.Query\(kind="add"\)'),
            (one, r"rota\.Query\(ids=\[instance\.id\]\)"),
            (5, r'rota\.Query\(kind="\.\.\."\); got 5'),
        ):
            with pytest.raises(QueryError, match=rf"{ask}\(\) takes a rota\.Query; write {said}"):
                getattr(manager, ask)(given)
        assert State.SCHEDULED == one.refresh().state


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("terminated", r"got 'terminated': write rota\.State\.TERMINATED$"),
        (["TIMED_OUT"], r"got 'TIMED_OUT': write rota\.State\.TIMED_OUT$"),
        ("ended", "got 'ended'$"),
    ],
)
def test_state_given_as_text_names_the_member(state: Any, said: str) -> None:
    """Refused, with what to write."""
    with pytest.raises(QueryError, match=said):
        Query(state=state)
