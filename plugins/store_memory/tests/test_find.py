"""Asking what stands in the store."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.store_memory.tests.lab import Lab

from rota.model.errors import QueryError
from rota.model.query import InstanceFilter, PurgeFilter
from rota.model.records import Ending, KindStats, LogRecord, Snapshot
from rota.model.state import State
from rota.store.contract import MAX_LOOKED_AT


def _ids(page: tuple[Snapshot, ...]) -> list[str]:
    return [item.record.id for item in page]


def test_pages_go_either_way_in_id_order(lab: Lab) -> None:
    """Pages over all kinds and states, newest or oldest first, give every instance once, in id order."""
    ids = sorted(lab.run(kind=kind) if n % 2 else lab.add(kind=kind) for n, kind in enumerate("abcabcabc"))
    assert ids == lab.find_all(limit=2, newest_first=False)
    assert ids[::-1] == lab.find_all(limit=2)
    assert ids[::-1] == lab.find_all(limit=1000)


@pytest.mark.parametrize("newest_first", [True, False])
def test_page_walk_misses_nothing_that_stood_throughout(lab: Lab, newest_first: bool) -> None:
    """While others come, end and are purged, whatever stood all the time is met exactly once."""
    standing = lab.add_many(50)
    passing = lab.add_many(50, kind="passing")
    found, cursor = [], None
    for _ in range(100):
        page = lab.store.find(InstanceFilter(newest_first=newest_first), cursor, 7)
        found += _ids(page.items)
        cursor = page.cursor
        if cursor is None:
            break
        lab.add(kind="new")
        for claim in lab.claim(kinds=("passing",), limit=3):
            lab.settle(claim)
        lab.claim(limit=2)
        lab.purge_all()
    assert cursor is None
    assert len(set(found)) == len(found)
    assert set(standing) <= set(found) <= set(standing + passing) | set(lab.find_all(kinds=frozenset({"new"})))


def test_filter_selects_by_each_field(lab: Lab) -> None:
    """Each field alone selects what it says; windows are half open."""
    start_ms = lab.clock.now_ms()
    first = lab.add(kind="a", schedule="s", parent="f" * 32, unique_key="u")
    lab.clock.advance(1)
    second = lab.add(kind="b")
    claim = lab.claim_one("w", kinds=("b",))
    lab.clock.advance(1)
    lab.settle(claim, Ending.TERMINATED, reason="broken")
    questions: list[tuple[dict[str, Any], list[str]]] = [
        ({"ids": (first, "0" * 32)}, [first]),
        ({"kinds": frozenset({"b", "z"})}, [second]),
        ({"states": frozenset({State.SCHEDULED})}, [first]),
        ({"states": frozenset({State.TERMINATED})}, [second]),
        ({"states": frozenset({State.SCHEDULED, State.TERMINATED, State.COMPLETED})}, [second, first]),
        ({"created_since_ms": start_ms + 1000}, [second]),
        ({"created_until_ms": start_ms + 1000}, [first]),
        ({"ended_since_ms": start_ms + 2000}, [second]),
        ({"ended_since_ms": start_ms + 2001}, []),
        ({"ended_until_ms": start_ms + 2000}, []),
        ({"ended_until_ms": start_ms + 2001}, [second]),
        ({"worker": "w"}, [second]),
        ({"reason": "broken"}, [second]),
        ({"schedule": "s"}, [first]),
        ({"parent": "f" * 32}, [first]),
        ({"unique_key": "u"}, [first]),
        ({"schedule": "s", "worker": "w"}, []),
    ]
    for query, expected in questions:
        assert (query, expected) == (query, lab.find_all(**query))
        assert (query, len(expected)) == (query, lab.store.count(InstanceFilter(**query)))


def test_named_ids_page_too(lab: Lab) -> None:
    """A page of named ids goes on where the last ended, either way."""
    ids = lab.add_many(5)
    assert ids == lab.find_all(limit=2, ids=tuple(reversed(ids)), newest_first=False)
    assert ids[::-1] == lab.find_all(limit=2, ids=tuple(ids))


def test_page_looks_at_a_bounded_number(lab: Lab) -> None:
    """A page over many that don't match is empty with a cursor; only a cursor of None ends."""
    for _ in range(3):
        lab.add_many(MAX_LOOKED_AT - 100)
    match = lab.add(schedule="s")
    pages, cursor = [], None
    while True:
        page = lab.store.find(InstanceFilter(schedule="s", newest_first=False), cursor)
        pages.append(_ids(page.items))
        if (cursor := page.cursor) is None:
            break
    assert [[], [], [match]] == pages


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("edge", range(-2, 3))
def test_ended_ones_at_the_bound_are_found(lab: Lab, edge: int, newest_first: bool) -> None:
    """Where a page is cut at one that ended, and so stands in two orders, it is on this page or the next."""
    ids = lab.add_many(2 * MAX_LOOKED_AT)
    walked = ids[::-1] if newest_first else ids
    lab.store.cancel([walked[MAX_LOOKED_AT + edge - 1]])
    assert walked == lab.find_all(limit=2 * MAX_LOOKED_AT, newest_first=newest_first)
    assert 2 * MAX_LOOKED_AT == lab.store.count(InstanceFilter(created_since_ms=0))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 0.5), st.integers(1, 2 * MAX_LOOKED_AT), st.booleans())
def test_pages_are_the_plain_list_whatever_ended(seed: int, part: float, limit: int, newest_first: bool) -> None:
    """Over any ends, pages of all, of the ended and of the rest give each instance once, in id order."""
    lab = Lab()
    ids = lab.add_many(MAX_LOOKED_AT + 200)
    random = Random(seed)
    ended = {one for one in ids if random.random() < part}
    lab.store.cancel(sorted(ended))
    walked = ids[::-1] if newest_first else ids
    states = frozenset({State.CANCELED})
    found = lab.find_all(limit=limit, newest_first=newest_first)
    found_ended = lab.find_all(limit=limit, newest_first=newest_first, states=states)
    found_rest = lab.find_all(limit=limit, newest_first=newest_first, states=frozenset({State.SCHEDULED}))
    assert walked == found
    assert [one for one in walked if one in ended] == found_ended
    assert [one for one in walked if one not in ended] == found_rest


@pytest.mark.parametrize("cursor", ["", "nonsense", "after-", "0" * 32])
def test_what_is_no_cursor_is_refused(lab: Lab, cursor: str) -> None:
    """A cursor that `find` did not give is a QueryError."""
    with pytest.raises(QueryError, match="cursor"):
        lab.store.find(InstanceFilter(), cursor)


@given(st.lists(st.sampled_from(["add", "claim", "settle", "cancel", "purge"]), max_size=60))
def test_counts_pages_and_stats_agree(steps: list[str]) -> None:
    """Whatever happens, counters, walks and pages tell the same, per state and in all."""
    lab = Lab()
    claims = []
    for step in steps:
        if step == "add":
            lab.add()
        elif step == "claim":
            claims += lab.claim(limit=2)
        elif step == "settle" and claims:
            lab.settle(claims.pop())
        elif step == "cancel":
            lab.store.cancel(lab.find_all(states=frozenset({State.SCHEDULED}))[:1])
        elif step == "purge":
            lab.purge_all()
    paged = {state: len(lab.find_all(states=frozenset({state}), limit=3)) for state in State}
    counted = {state: lab.store.count(InstanceFilter(states=frozenset({state}))) for state in State}
    walked = {state: lab.store.count(InstanceFilter(states=frozenset({state}), created_since_ms=0)) for state in State}
    assert paged == counted == walked
    expected = {state: number for state, number in paged.items() if number}
    assert [expected] * bool(expected) == [entry.counts for entry in lab.store.stats()]


def test_count_stops_at_its_limit(lab: Lab) -> None:
    """`limit` bounds the answer, by counters and by walk."""
    lab.add_many(2500, schedule="s")
    for query in (InstanceFilter(), InstanceFilter(schedule="s")):
        assert [2500, 2500, 1200, 0] == [lab.store.count(query, limit) for limit in (None, 9000, 1200, 0)]


def test_stats_tell_each_kind(lab: Lab) -> None:
    """Per kind, by name: states, the oldest due, the next due, and whether it is paused; kinds may be chosen."""
    now_ms = lab.clock.now_ms()
    lab.add(kind="b", due_ms=now_ms - 5)
    lab.add(kind="b", delay_ms=700)
    lab.run(kind="a")
    lab.store.pause(["c"])
    expected = [
        KindStats("a", {State.COMPLETED: 1}),
        KindStats("b", {State.SCHEDULED: 2}, oldest_due_ms=now_ms - 5, next_due_ms=now_ms + 700),
        KindStats("c", {}, paused=True),
    ]
    assert expected == lab.store.stats()
    assert expected[1:2] == lab.store.stats(["b", "nothing"])
    lab.clock.advance(0.7)
    assert (now_ms - 5, None) == (lab.store.stats(["b"])[0].oldest_due_ms, lab.store.stats(["b"])[0].next_due_ms)


def test_progress_shows_on_the_instance(lab: Lab) -> None:
    """A snapshot carries the last progress."""
    instance_id = lab.add()
    lab.store.append_logs([LogRecord(instance_id, 1, 1, 0, 20, "half", progress=0.5)])
    assert (0.5, "half") == (lab.get(instance_id).progress, lab.get(instance_id).progress_message)


@pytest.mark.parametrize("order", [sorted, lambda ids: sorted(ids, reverse=True)])
def test_ids_that_come_out_of_order_are_found_in_order(lab: Lab, order: Callable[[list[str]], list[str]]) -> None:
    """The id order does not depend on the order of arrival."""
    ids = [f"{n:032x}" for n in range(20)]
    for one in order(ids):
        lab.add(id=one)
    assert ids == lab.find_all(newest_first=False, limit=3)


@pytest.mark.parametrize("field", ["ids", "kinds", "states"])
def test_empty_collection_is_met_by_none(lab: Lab, field: str) -> None:
    """A selection that came out empty selects nothing: it must never turn into "everything"."""
    lab.add()
    lab.run()
    nothing = InstanceFilter(**{field: () if field == "ids" else frozenset()})
    assert ((), None) == (lab.store.find(nothing).items, lab.store.find(nothing).cursor)
    assert 0 == lab.store.count(nothing)
    assert 0 == lab.store.purge(PurgeFilter(**{field: () if field == "ids" else frozenset()}))
    assert 2 == lab.store.count(InstanceFilter())
