"""Following state changes."""

import pytest
from plugins.store_memory.tests.lab import Lab

from rota.model.errors import CursorExpired, QueryError
from rota.model.records import Ending
from rota.model.state import State


def test_changes_are_the_histories_in_the_order_they_happened(lab: Lab) -> None:
    """From the first call on every change of every instance is told once, as its history has it."""
    lab.add()
    page = lab.store.changes()
    assert () == page.changes
    one, two = lab.add(), lab.add(kind="b")
    lab.settle(lab.claim_one(kinds=("b",)), Ending.TERMINATED, retry_after_ms=0)
    lab.store.cancel([one])
    page = lab.store.changes(page.cursor)
    for instance_id, kind in ((one, "add"), (two, "b")):
        told = [(one.kind, one.transition) for one in page.changes if one.id == instance_id]
        assert [(kind, entry) for entry in lab.history(instance_id)] == told
    assert page.cursor == page.changes[-1].cursor
    assert page.changes[1:] == lab.store.changes(page.changes[0].cursor).changes
    states = [(change.id, change.transition.state) for change in page.changes[:4]]
    assert [(one, State.CREATED), (one, State.SCHEDULED), (two, State.CREATED), (two, State.SCHEDULED)] == states
    assert () == lab.store.changes(page.cursor).changes


def test_pages_go_on_at_the_cursor(lab: Lab) -> None:
    """`limit` bounds a page; the next goes on where it ended."""
    cursor = lab.store.changes().cursor
    ids = lab.add_many(5)
    told = []
    while (page := lab.store.changes(cursor, limit=3)).changes:
        assert len(page.changes) <= 3
        told += [change.id for change in page.changes]
        cursor = page.cursor
    assert [one for one in ids for _ in range(2)] == told


def test_follower_wakes_at_the_first_change(lab: Lab) -> None:
    """A follower that is up to date blocks until something changes, or its time is over."""
    cursor = lab.store.changes().cursor
    follower = lab.blocked(lambda: lab.store.changes(cursor, timeout_ms=60_000))
    one = lab.add()
    assert [one, one] == [change.id for change in follower.result(5).changes]
    end = lab.store.changes().cursor
    late = lab.blocked(lambda: lab.store.changes(end, timeout_ms=1000))
    lab.clock.advance(1)
    assert ((), end) == (late.result(5).changes, late.result(5).cursor)


def test_first_call_never_blocks(lab: Lab) -> None:
    """Without a cursor the answer is the cursor of now, at once."""
    assert () == lab.store.changes(None, timeout_ms=60_000).changes


def test_cursor_older_than_what_is_kept_has_expired(lab: Lab) -> None:
    """Beyond the bound the oldest changes go, and their cursor with them; so does one from before a `clear`."""
    cursor = lab.store.changes().cursor
    for _ in range(50):
        lab.add_many(1000)
    assert 1 == len(lab.store.changes(cursor, limit=1).changes)
    lab.add()
    with pytest.raises(CursorExpired, match="last 100000"):
        lab.store.changes(cursor)
    before = lab.store.changes().cursor
    lab.add()
    lab.store.clear()
    with pytest.raises(CursorExpired):
        lab.store.changes(before)
    with pytest.raises(CursorExpired):
        lab.store.changes("change-999999999")


@pytest.mark.parametrize("cursor", ["", "7", "change-", "change--1", "change-x"])
def test_what_is_no_cursor_is_refused(lab: Lab, cursor: str) -> None:
    """A cursor that `changes` did not give is a QueryError."""
    with pytest.raises(QueryError, match="no cursor"):
        lab.store.changes(cursor)
