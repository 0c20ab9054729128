"""GET, FND: what stands in the store, page by page and in numbers."""

from typing import Any

import pytest

from rota.model.errors import QueryError
from rota.model.query import InstanceFilter, PurgeFilter
from rota.model.records import Ending, KindStats
from rota.model.state import State
from rota.store.contract import MAX_BATCH, MAX_LOOKED_AT
from rota_conformance.lab import KIND, Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_LONG_MS = 600_000


def _fill(lab: Lab, number: int, **fields: Any) -> list[str]:
    """So many instances, in batches that may be sent; their ids, rising."""
    return [
        one for start in range(0, number, MAX_BATCH) for one in lab.add_many(min(MAX_BATCH, number - start), **fields)
    ]


@proves("GET-1")
def test_instances_come_in_the_order_asked_for(lab: Lab) -> None:
    """Each in its place, twice when asked for twice, None for one that is not there."""
    one, two = lab.add(arguments=b"1"), lab.add(arguments=b"2")
    found = lab.store.get([two, "f" * 32, one, two, one[:-1] + "g"])
    assert [b"2", None, b"1", b"2", None] == [snapshot and snapshot.record.arguments for snapshot in found]
    assert [] == lab.store.get([])


@proves("FND-1")
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_go_either_way_by_id(lab: Lab, limit: int) -> None:
    """Over all kinds and states, and whatever the order of arrival, each instance comes once, in id order."""
    ids = sorted(lab.run(kind=kind) if n % 2 else lab.add(kind=kind) for n, kind in enumerate("abcabcabc"))
    spare = [lab.id() for _ in range(6)]
    for one in reversed(spare):
        lab.add(id=one, kind="late")
    expected = sorted([*ids, *spare])
    assert expected == lab.find_all(limit=limit, newest_first=False)
    assert expected[::-1] == lab.find_all(limit=limit)
    for states in (frozenset({State.COMPLETED}), frozenset({State.SCHEDULED, State.COMPLETED})):
        wanted = [one for one in expected if lab.state(one) in states]
        assert wanted == lab.find_all(limit=limit, newest_first=False, states=states)


@proves("FND-1")
def test_pages_are_no_longer_than_asked_for(lab: Lab) -> None:
    """`limit` bounds each page."""
    lab.add_many(10)
    cursor, lengths = None, []
    while True:
        page = lab.store.find(InstanceFilter(), cursor, 4)
        lengths.append(len(page.items))
        if (cursor := page.cursor) is None:
            break
    assert (10, 4) == (sum(lengths), max(lengths))


@proves("FND-1")
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 7])
def test_what_stood_throughout_is_met_once(lab: Lab, newest_first: bool, limit: int) -> None:
    """While others come, move, end and are purged between the pages, all that stood is met, and nothing twice."""
    standing = lab.add_many(40)
    passing = lab.add_many(40, kind="passing")
    moving = [one for pair in zip(standing, passing, strict=True) for one in pair]
    assert set(moving) == set(standing + passing)
    found: list[str] = []
    cursor = None
    for n in range(500):
        page = lab.store.find(InstanceFilter(newest_first=newest_first), cursor, limit)
        found += [item.record.id for item in page.items]
        if (cursor := page.cursor) is None:
            break
        if n < 30:
            lab.add(kind="new")
        for claim in lab.claim(kinds=("passing",), limit=2):
            lab.settle(claim, Ending.COMPLETED if n % 2 else Ending.TERMINATED)
        # those that stand change their states: where they stand in an index of states moves, they don't go
        for claim in lab.claim(limit=2):
            lab.settle(claim, Ending.COMPLETED if n % 3 else Ending.RELEASED)
        lab.store.purge(PurgeFilter(kinds=frozenset({"passing"})))
    assert cursor is None
    assert len(found) == len(set(found))
    assert set(standing) <= set(found)
    assert found == sorted(found, reverse=newest_first)


@proves("FND-1")
def test_named_ids_page_too(lab: Lab) -> None:
    """Named ones come in id order, either way, each once, those that are not there left out."""
    ids = lab.add_many(9)
    named = (ids[7], ids[1], "f" * 32, ids[4], ids[1], ids[0])
    expected = [ids[0], ids[1], ids[4], ids[7]]
    assert expected == lab.find_all(limit=2, ids=named, newest_first=False)
    assert expected[::-1] == lab.find_all(limit=2, ids=named)


@proves("FND-2")
def test_each_filter_selects_what_it_says(lab: Lab) -> None:
    """Alone and together; windows are half open; who had it last counts as its worker."""
    first = lab.add(kind="a", schedule="s", parent="f" * 32, unique_key="u")
    lab.pass_units(0.1)
    second = lab.add(kind="b")
    claim = lab.claim_one("w", kinds=("b",))
    lab.pass_units(0.1)
    lab.settle(claim, Ending.TERMINATED, reason="broken")
    third = lab.add(kind="b", schedule="s")
    held = lab.claim_one("v", kinds=("b",))
    created_ms, ended_ms = lab.get(second).record.created_ms, lab.get(second).ended_ms
    assert ended_ms is not None
    questions: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [third, second, first]),
        ({"ids": (first, "0" * 32)}, [first]),
        ({"kinds": frozenset({"b", "z"})}, [third, second]),
        ({"kinds": frozenset({"z"})}, []),
        ({"states": frozenset({State.SCHEDULED})}, [first]),
        ({"states": frozenset({State.TERMINATED})}, [second]),
        ({"states": frozenset({State.PROCESSING})}, [third]),
        ({"states": frozenset({State.SCHEDULED, State.TERMINATED, State.COMPLETED})}, [second, first]),
        ({"created_since_ms": created_ms}, [third, second]),
        ({"created_since_ms": created_ms + 1}, [third]),
        ({"created_until_ms": created_ms}, [first]),
        ({"created_until_ms": created_ms + 1}, [second, first]),
        ({"created_since_ms": created_ms, "created_until_ms": created_ms + 1}, [second]),
        ({"ended_since_ms": ended_ms}, [second]),
        ({"ended_since_ms": ended_ms + 1}, []),
        ({"ended_until_ms": ended_ms}, []),
        ({"ended_until_ms": ended_ms + 1}, [second]),
        ({"worker": "w"}, [second]),
        ({"worker": "v"}, [third]),
        ({"worker": "nobody"}, []),
        ({"reason": "broken"}, [second]),
        ({"schedule": "s"}, [third, first]),
        ({"parent": "f" * 32}, [first]),
        ({"unique_key": "u"}, [first]),
        ({"schedule": "s", "worker": "w"}, []),
        ({"schedule": "s", "kinds": frozenset({"a"})}, [first]),
        ({"ids": (first, second), "states": frozenset({State.TERMINATED})}, [second]),
        ({"kinds": frozenset({"b"}), "states": frozenset({State.PROCESSING}), "worker": "v"}, [third]),
    ]
    for query, expected in questions:
        assert (query, expected) == (query, lab.find_all(**query))
        assert (query, expected[::-1]) == (query, lab.find_all(**query, newest_first=False, limit=1))
    lab.settle(held, Ending.RELEASED)
    assert [] == lab.find_all(worker="v"), "what nobody has is nobody's"


@proves("FND-2")
@pytest.mark.parametrize("field", ["ids", "kinds", "states"])
def test_empty_collection_is_met_by_none(lab: Lab, field: str) -> None:
    """A selection that came out empty selects nothing: it must never turn into "everything"."""
    lab.add()
    lab.run()
    nothing: dict[str, Any] = {field: () if field == "ids" else frozenset()}
    assert [] == lab.find_all(**nothing)
    assert 0 == lab.store.count(InstanceFilter(**nothing))
    assert 0 == lab.store.purge(PurgeFilter(**nothing))
    assert 2 == len(lab.find_all())


@proves("FND-2")
def test_key_of_what_has_ended_still_selects_it(lab: Lab) -> None:
    """A filter goes by what was asked for: all that ever had the key, not only the holder."""
    ended, holder = lab.run(unique_key="k"), lab.add(unique_key="k")
    lab.add(unique_key="other")
    assert [holder, ended] == lab.find_all(unique_key="k")


@proves("FND-3")
@pytest.mark.parametrize("newest_first", [True, False])
def test_answer_goes_on_over_any_number_that_does_not_match(lab: Lab, newest_first: bool) -> None:
    """Pages may be short or empty; all that matches comes before the cursor is None, and a page looks at a bounded
    number only."""
    first = lab.add(schedule="s")
    _fill(lab, 2 * MAX_LOOKED_AT + 10)
    middle = lab.add(schedule="s")
    _fill(lab, MAX_LOOKED_AT + 10, kind="other")
    last = lab.add(schedule="s", kind="other")
    expected = [first, middle, last]
    assert expected[:: -1 if newest_first else 1] == lab.find_all(schedule="s", newest_first=newest_first)
    assert [] == lab.find_all(schedule="no", newest_first=newest_first)


@proves("FND-3")
@pytest.mark.parametrize("newest_first", [True, False])
def test_nothing_is_lost_where_a_page_is_cut(lab: Lab, newest_first: bool) -> None:
    """Around the bound of a page, whichever of them have ended, each is on this page or the next."""
    ids = _fill(lab, MAX_LOOKED_AT + 20)
    walked = ids[:: -1 if newest_first else 1]
    ended = {walked[MAX_LOOKED_AT + edge] for edge in (-3, -1, 0, 2)}
    lab.store.cancel(sorted(ended))
    assert walked == lab.find_all(limit=2 * MAX_LOOKED_AT, newest_first=newest_first)
    for states, wanted in ((frozenset({State.CANCELED}), ended), (frozenset({State.SCHEDULED}), set(ids) - ended)):
        expected = [one for one in walked if one in wanted]
        assert expected == lab.find_all(limit=333, newest_first=newest_first, states=states)


@proves("FND-4")
@pytest.mark.parametrize("cursor", ["", "nonsense", "*", "\0", "-1", "0" * 32, "x" * 1000])
def test_what_is_no_cursor_is_refused(lab: Lab, cursor: str) -> None:
    """A cursor that `find` did not give is a QueryError, and never an answer from somewhere."""
    lab.add_many(3)
    with pytest.raises(QueryError):
        lab.store.find(InstanceFilter(), cursor)


@proves("FND-5")
def test_count_is_what_find_would_find(lab: Lab, profile: Profile) -> None:
    """By kept counters or by looking, whatever is asked, up to the limit."""
    number = min(profile.crowd, 2_500)
    ids = _fill(lab, number, schedule="s")
    lab.store.cancel(ids[::10])
    lab.run(kind="other", schedule="s")
    for query in (
        {}, {"schedule": "s"}, {"kinds": frozenset({KIND})}, {"states": frozenset({State.CANCELED})},
        {"kinds": frozenset({"other"}), "states": frozenset({State.COMPLETED})}, {"schedule": "no"},
        {"ids": tuple(ids[:7])}, {"created_since_ms": 0}, {"states": frozenset({State.CREATED})},
    ):  # fmt: skip
        found = len(lab.find_all(**query, limit=1000))
        assert (query, found) == (query, lab.store.count(InstanceFilter(**query)))
        for limit in (0, 1, 5, 1_200, 10**6):
            assert (query, min(found, limit)) == (query, lab.store.count(InstanceFilter(**query), limit))


@proves("FND-6")
def test_statistics_tell_each_kind(lab: Lab) -> None:
    """Per kind, by name: the states, what is due and what comes, whether it is paused; kinds may be chosen."""
    now_ms = lab.store.now_ms()
    lab.add(kind="b", due_ms=now_ms - 5)
    lab.add(kind="b", due_ms=now_ms + _LONG_MS)
    lab.add(kind="b", due_ms=now_ms + 2 * _LONG_MS)
    lab.run(kind="a")
    lab.run(Ending.TERMINATED, kind="a")
    lab.store.pause(["c"])
    expected = [
        KindStats("a", {State.COMPLETED: 1, State.TERMINATED: 1}),
        KindStats("b", {State.SCHEDULED: 3}, oldest_due_ms=now_ms - 5, next_due_ms=now_ms + _LONG_MS),
        KindStats("c", {}, paused=True),
    ]
    assert expected == lab.store.stats()
    assert expected == lab.client().stats()
    assert expected[1:2] == lab.store.stats(["b", "nothing"])
    assert [] == lab.store.stats([])
    lab.claim(kinds=("b",))
    assert [
        KindStats("b", {State.SCHEDULED: 2, State.PROCESSING: 1}, next_due_ms=now_ms + _LONG_MS)
    ] == lab.store.stats(["b"])


@proves("FND-6")
def test_what_comes_becomes_what_is_due(lab: Lab) -> None:
    """As time goes on; and what was canceled is neither."""
    due_ms = lab.store.now_ms() + lab.unit_ms
    one, two = lab.add(due_ms=due_ms), lab.add(due_ms=due_ms + _LONG_MS)
    lab.pass_units(1)
    assert [(due_ms, due_ms + _LONG_MS)] == [(entry.oldest_due_ms, entry.next_due_ms) for entry in lab.store.stats()]
    lab.store.cancel([one, two])
    assert [KindStats(KIND, {State.CANCELED: 2})] == lab.store.stats()


@proves("FND-6")
def test_kind_without_instances_is_not_told(lab: Lab) -> None:
    """Kinds that hold nothing any more are gone from the numbers."""
    lab.run()
    lab.purge_all()
    lab.store.pause(["c"])
    lab.store.resume(["c"])
    assert [] == lab.store.stats()


@proves("FND-6")
def test_numbers_pages_and_counts_agree(lab: Lab, profile: Profile) -> None:
    """Whatever happened at random, all three tell the same of each state."""
    claims = []
    for _ in range(profile.rounds):
        step = lab.rng.randrange(6)
        if step < 2:
            lab.add()
        elif step == 2:
            claims += lab.claim(limit=2)
        elif step == 3 and claims:
            lab.settle(claims.pop(), lab.rng.choice(list(Ending)))
        elif step == 4:
            lab.store.cancel(lab.find_all(states=frozenset({State.SCHEDULED}))[:1])
        else:
            lab.store.purge(PurgeFilter(), 1)
        paged = {state: len(lab.find_all(states=frozenset({state}), limit=3)) for state in State}
        expected = {state: number for state, number in paged.items() if number}
        assert [expected] * bool(expected) == [entry.counts for entry in lab.store.stats()]
        if lab.has("exact_count"):
            assert paged == {state: lab.store.count(InstanceFilter(states=frozenset({state}))) for state in State}
