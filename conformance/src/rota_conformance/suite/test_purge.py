"""PRG: removing what is finished, with all that belongs to it."""

from typing import Any

import pytest

from rota.model.errors import UnknownInstance
from rota.model.query import InstanceFilter, LogFilter, PurgeFilter
from rota.model.records import Document, Ending, ErrorRecord, LogRecord
from rota.model.state import State
from rota_conformance.hostile import TEXTS
from rota_conformance.lab import KIND, Lab
from rota_conformance.recorder import proves

_LONG_MS = 600_000


@proves("PRG-1")
def test_those_that_ended_first_go_first(lab: Lab) -> None:
    """Up to so many a call, over kinds and states, by the time of the end; until nothing is left."""
    ended = []
    for n in range(9):
        ended.append(lab.run((Ending.COMPLETED, Ending.TERMINATED, Ending.TIMED_OUT)[n % 3], kind=f"k{n % 2}"))
        lab.pass_ms(2)
    canceled = lab.add()
    lab.store.cancel([canceled])
    ended.append(canceled)
    left = list(ended)
    for expected in (4, 4, 2, 0, 0):
        assert expected == lab.store.purge(PurgeFilter(), 4)
        left = left[expected:]
        assert set(left) == set(lab.find_all())
    assert 0 == lab.store.purge(PurgeFilter(), 0)


@proves("PRG-1")
def test_late_end_goes_last_whatever_its_id(lab: Lab) -> None:
    """The order is that of the ends, not of the creation."""
    first, second = lab.add(rank=1), lab.add(rank=2)
    claims = {claim.record.id: claim for claim in lab.claim()}
    lab.settle(claims[second])
    lab.pass_ms(2)
    lab.settle(claims[first])
    assert 1 == lab.store.purge(PurgeFilter(), 1)
    assert [first] == lab.find_all()


@proves("PRG-1")
def test_each_filter_selects_what_it_says(lab: Lab) -> None:
    """Kinds, states, ids, windows that are half open; nothing else is touched."""
    ended: dict[str, str] = {}
    for name, kind, ending in (
        ("a", "k", Ending.COMPLETED),
        ("b", "k", Ending.TERMINATED),
        ("c", "l", Ending.TERMINATED),
    ):
        ended[name] = lab.run(ending, kind=kind)
        lab.pass_ms(5)
    times_ms = {name: lab.get(one).ended_ms or 0 for name, one in ended.items()}
    kept = lab.add(kind="k")
    questions: list[tuple[dict[str, Any], str]] = [
        ({"kinds": frozenset({"nothing"})}, ""), ({"states": frozenset({State.CANCELED})}, ""),
        ({"ended_until_ms": times_ms["a"]}, ""), ({"ended_since_ms": times_ms["c"] + 1}, ""),
        ({"ids": ("f" * 32, kept)}, ""), ({"ids": (ended["a"],), "kinds": frozenset({"l"})}, ""),
        ({"ended_since_ms": times_ms["b"], "ended_until_ms": times_ms["b"]}, ""),
        ({"ended_since_ms": times_ms["b"], "ended_until_ms": times_ms["b"] + 1, "kinds": frozenset({"k"})}, "b"),
        ({"states": frozenset({State.TERMINATED}), "kinds": frozenset({"k", "l"})}, "c"),
        ({"ids": (ended["a"], ended["b"])}, "a"),
    ]  # fmt: skip
    left = set(ended)
    for query, removed in questions:
        assert (query, len(removed)) == (query, lab.store.purge(PurgeFilter(**query)))
        left -= set(removed)
        assert {*(ended[name] for name in left), kept} == set(lab.find_all())


@proves("PRG-1")
@pytest.mark.parametrize("bound", ["ended_until_ms", "ended_since_ms"])
def test_window_alone_takes_its_part(lab: Lab, bound: str) -> None:
    """From a time on, or up to one: those, however many stand on the other side."""
    early = [lab.run() for _ in range(3)]
    lab.pass_ms(5)
    at_ms = lab.store.now_ms()
    late = [lab.run() for _ in range(3)]
    window: dict[str, Any] = {bound: at_ms}
    assert 3 == lab.store.purge(PurgeFilter(**window))
    assert set(late if bound == "ended_until_ms" else early) == set(lab.find_all())


@proves("PRG-2")
def test_what_is_not_final_stays(lab: Lab) -> None:
    """Queued, delayed, running, waiting for its retry: no purge removes it, by id, kind, state or at all."""
    running, retried = lab.add(rank=1), lab.add(rank=2)
    first, second = lab.claim()
    lab.settle(second, Ending.TERMINATED, retry_after_ms=_LONG_MS)
    queued, delayed = lab.add(rank=9), lab.add(delay_ms=_LONG_MS)
    ids = (running, retried, queued, delayed)
    before = lab.store.get(ids), lab.store.history(ids)
    for query in (
        PurgeFilter(), PurgeFilter(ids=ids), PurgeFilter(kinds=frozenset({KIND})), PurgeFilter(states=frozenset(State)),
        PurgeFilter(states=frozenset({State.TERMINATED, State.SCHEDULED, State.PROCESSING})),
        PurgeFilter(ended_until_ms=lab.store.now_ms() + _LONG_MS), PurgeFilter(ended_since_ms=0),
    ):  # fmt: skip
        assert 0 == lab.store.purge(query)
    assert before == (lab.store.get(ids), lab.store.history(ids))
    assert [queued] == lab.claimed_ids()
    assert "done" == lab.settle(first).status


@proves("PRG-3")
def test_purged_instance_is_gone_from_every_answer(lab: Lab) -> None:
    """No page, number, log, history, key or claim knows it any more; what stays is not disturbed."""
    fields: dict[str, Any] = {"unique_key": "k", "schedule": "s", "parent": "f" * 32}
    one = lab.run(Ending.TERMINATED, {"reason": "because", "error": ErrorRecord("failed", "E", "m")}, **fields)
    lab.store.append_logs([LogRecord(one, 1, 1, 0, 20, "line"), LogRecord(one, 1, 2, 0, 20, "", progress=0.5)])
    canceled, stays = lab.add(expires_after_ms=lab.unit_ms), lab.add(kind="other", **fields)
    lab.store.cancel([canceled])
    assert 2 == lab.store.purge(PurgeFilter())
    assert [[None, None]] * 2 == [lab.store.get([one, canceled]), lab.store.history([one, canceled])]
    query: dict[str, Any]
    for query in (
        {}, {"ids": (one, stays)}, {"schedule": "s"}, {"unique_key": "k"}, {"parent": "f" * 32},
        {"states": frozenset(State)}, {"kinds": frozenset({KIND, "other"})},
    ):  # fmt: skip
        assert (query, [stays]) == (query, lab.find_all(**query))
        assert 1 == lab.store.count(InstanceFilter(**query))
    for query in (
        {"worker": "w"},
        {"reason": "because"},
        {"ended_since_ms": 0},
        {"states": frozenset({State.TERMINATED})},
    ):
        assert (query, []) == (query, lab.find_all(**query))
    assert ["other"] == [entry.kind for entry in lab.store.stats()]
    with pytest.raises(UnknownInstance):
        lab.store.logs(LogFilter(id=one))
    assert ["missing"] == lab.store.cancel([one])
    assert [one] == lab.store.await_final([one, stays], 0)
    lab.pass_units(1)
    assert ([], []) == (lab.store.reap(), lab.claim())


@proves("PRG-3")
def test_id_and_key_of_a_purged_one_are_free(lab: Lab) -> None:
    """The same id may be enqueued anew, and lives a life of its own: nothing of the former one is left on it."""
    one = lab.run(Ending.TERMINATED, {"result": b"r", "reason": "because"}, unique_key="k")
    lab.store.append_logs([LogRecord(one, 1, 1, 0, 20, "old"), LogRecord(one, 1, 2, 0, 20, "old", progress=0.5)])
    lab.purge_all()
    assert one == lab.add(id=one, unique_key="k")
    snapshot = lab.get(one)
    assert (State.SCHEDULED, 0, 0, None, None) == (
        snapshot.state, snapshot.attempt, snapshot.crashes, snapshot.progress, snapshot.result,
    )  # fmt: skip
    assert (None, None, None) == (snapshot.reason, snapshot.ended_ms, snapshot.worker)
    assert (["created", "scheduled"], ()) == (lab.path(one), lab.store.logs(LogFilter(id=one)).lines)
    assert [one] == lab.find_all()
    lab.settle(lab.claim_one())
    assert 1 == lab.store.purge(PurgeFilter())
    assert [] == lab.find_all()


def _live_through(lab: Lab) -> None:
    """Instances of all fates, with all that may belong to one."""
    for n, ending in enumerate(Ending):
        one = lab.add(kind=f"k{n % 2}", unique_key=TEXTS[n], max_crashes=0, delay_ms=n % 2, expires_after_ms=_LONG_MS)
        lab.pass_ms(1)
        claim = lab.claim_one("w", kinds=("k0", "k1"))
        lab.store.append_logs(
            [LogRecord(one, claim.token, 1, 0, 20, "line"), LogRecord(one, 1, 2, 0, 20, "", progress=0.1)]
        )
        if n % 2:
            lab.store.cancel([one])
        lab.settle(claim, ending, result=b"r", followups=(lab.record(kind="follow", unique_key=f"f{n}"),))
    lab.add(expires_after_ms=lab.unit_ms, unique_key="expiring")
    lab.store.cancel([lab.add(delay_ms=_LONG_MS, unique_key="delayed")])
    lab.pass_units(1)
    lab.store.reap()
    lab.store.cancel(lab.find_all())
    lab.store.retire("w")
    assert {True} == {lab.state(one).final for one in lab.find_all()}


@proves("PRG-4")
def test_backend_holds_what_it_held_before(lab: Lab) -> None:
    """After every kind of life, and its purge, the backend's own list of what it keeps is the one of before."""
    lab.add(kind="stays")
    lab.store.save([Document("d", b"1")])
    _live_through(lab)
    lab.purge_all()
    before = lab.harness.dump(lab.namespace)
    assert before is not None
    for _ in range(3):
        _live_through(lab)
        lab.purge_all()
    after = lab.harness.dump(lab.namespace)
    assert after is not None
    assert set(before) == set(after)
    grown = {name: (size, after[name]) for name, size in before.items() if after[name] > size}
    assert {} == grown, "counters and clocks may change, nothing may grow"
