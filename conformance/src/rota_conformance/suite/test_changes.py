"""CHG: following every state change."""

import pytest

from rota.model.errors import QueryError
from rota.model.records import Change, Ending
from rota.model.state import State
from rota_conformance.lab import KIND, Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_LONG_MS = 600_000


def _after(lab: Lab, cursor: str | None, limit: int = 1_000) -> list[Change]:
    """All changes after a cursor, page by page."""
    found: list[Change] = []
    while True:
        page = lab.store.changes(cursor, limit)
        assert len(page.changes) <= limit
        if not page.changes:
            return found
        found += page.changes
        cursor = page.cursor


@proves("CHG-1")
def test_changes_are_the_histories_in_the_order_they_happened(lab: Lab) -> None:
    """From a cursor on every change of every instance is told once, as its history has it."""
    lab.add()
    page = lab.store.changes()
    assert () == page.changes
    one, two = lab.add(), lab.add(kind="b")
    lab.settle(lab.claim_one(kinds=("b",)), Ending.TERMINATED, retry_after_ms=0, reason="because")
    lab.store.cancel([one])
    expiring = lab.add(kind="c", expires_after_ms=lab.unit_ms)
    lab.pass_units(1)
    lab.store.reap()
    told = _after(lab, page.cursor)
    for instance_id, kind in ((one, KIND), (two, "b"), (expiring, "c")):
        own = [(change.kind, change.transition) for change in told if change.id == instance_id]
        assert [(kind, entry) for entry in lab.history(instance_id)] == own
    states = [(change.id, change.transition.state) for change in told[:4]]
    assert [(one, State.CREATED), (one, State.SCHEDULED), (two, State.CREATED), (two, State.SCHEDULED)] == states
    assert [change.transition.at_ms for change in told] == sorted(change.transition.at_ms for change in told)
    assert [] == _after(lab, told[-1].cursor)


@proves("CHG-1")
def test_every_way_to_change_is_told(lab: Lab) -> None:
    """Enqueue, claim, settle, retry, release, crash, cancel, expiry, reap, retire, follow-ups, a fired slot."""
    cursor = lab.store.changes().cursor
    lab.run(Ending.TIMED_OUT, settling={"followups": (lab.record(kind="follow"),)})
    one = lab.add(max_crashes=9)
    for ending in (Ending.RELEASED, Ending.CRASHED):
        lab.settle(lab.claim_one(), ending)
    lab.claim_one("gone")
    lab.store.retire("gone")
    lab.beat("dead", lab.short_ms)
    lab.claim_one("dead")
    lab.reap_dead(lab.short_ms)
    rule = lab.store.put_schedule(lab.rule(next_slot_ms=1))
    lab.store.fire(rule, 1, None, [lab.record(kind="fired")])
    told = _after(lab, cursor)
    for instance_id in lab.find_all():
        own = [change.transition for change in told if change.id == instance_id]
        assert lab.history(instance_id) == own
    assert len(told) == sum(len(lab.history(instance_id)) for instance_id in lab.find_all())
    assert "scheduled:crashed" == lab.path(one)[-1]


@proves("CHG-1")
@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_pages_go_on_at_the_cursor(lab: Lab, limit: int) -> None:
    """`limit` bounds a page; the next one goes on where it ended, nothing missed or told twice."""
    cursor = lab.store.changes().cursor
    ids = [lab.add() for _ in range(7)]
    assert [one for one in ids for _ in range(2)] == [change.id for change in _after(lab, cursor, limit)]
    assert _after(lab, cursor, limit) == _after(lab, cursor, 2)


@proves("CHG-1")
def test_changes_of_racing_writers_are_told_once(lab: Lab, profile: Profile) -> None:
    """Whatever many clients do at once, a follower that reads all the while gets each history whole."""
    cursor = lab.store.changes().cursor
    stores = [lab.client() for _ in range(4)]
    number = max(profile.rounds // 4, 5)
    batches = [[lab.record() for _ in range(number)] for _ in stores]

    def write(n: int) -> list[Change]:
        for record in batches[n]:
            stores[n].enqueue([record])
        return []

    def follow() -> list[Change]:
        told: list[Change] = []
        while len(told) < 2 * number * len(stores):
            page = lab.store.changes(told[-1].cursor if told else cursor, 10)
            told += page.changes
        return told

    *_, told = lab.race(*(lambda n=n: write(n) for n in range(len(stores))), follow)
    for record in (record for batch in batches for record in batch):
        assert [State.CREATED, State.SCHEDULED] == [one.transition.state for one in told if one.id == record.id]


@proves("CHG-2")
def test_follower_that_waits_is_called(lab: Lab) -> None:
    """It comes back for the first change, whoever makes it, or with nothing when its time is over."""
    cursor = lab.store.changes().cursor
    following = lab.blocked(lambda: lab.store.changes(cursor, timeout_ms=_LONG_MS))
    one = lab.record()
    lab.client().enqueue([one])
    page = lab.answer(following)
    assert {one.id} == {change.id for change in page.changes}
    end = lab.store.changes().cursor
    late = lab.blocked(lambda: lab.store.changes(end, timeout_ms=2 * lab.unit_ms))
    lab.pass_units(2)
    assert () == lab.answer(late).changes
    assert [] == _after(lab, lab.answer(late).cursor)


@proves("CHG-2")
def test_each_change_tells_where_to_go_on(lab: Lab) -> None:
    """After any of them, whatever page it stood on, the next is the next."""
    cursor = lab.store.changes().cursor
    lab.run()
    lab.run()
    told = _after(lab, cursor)
    for n, change in enumerate(told):
        assert told[n + 1 :] == _after(lab, change.cursor, 2)


@proves("CHG-2")
def test_first_call_never_blocks(lab: Lab) -> None:
    """Without a cursor the answer is the cursor of now, at once."""
    lab.add()
    assert () == lab.answer(lab.background(lambda: lab.store.changes(None, timeout_ms=_LONG_MS))).changes


@proves("CHG-2")
@pytest.mark.parametrize("cursor", ["", "nonsense", "*", "\0"])
def test_what_is_no_cursor_is_refused(lab: Lab, cursor: str) -> None:
    """A cursor that `changes` did not give is a QueryError (CursorExpired is one)."""
    with pytest.raises(QueryError):
        lab.store.changes(cursor)
