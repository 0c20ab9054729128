"""NS: what happens in one namespace is nothing to another."""

from typing import Any

import pytest

from rota.model.ids import slot_id
from rota.model.query import InstanceFilter, LogFilter, PurgeFilter
from rota.model.records import Document, Ending, KindDescriptor, LogRecord, Outcome, WorkerRecord
from rota.model.state import State
from rota.store.contract import Store
from rota_conformance.lab import KIND, Lab
from rota_conformance.recorder import proves

_LONG_MS = 600_000
#: Names that a careless key or pattern takes for the other one.
_NEIGHBOURS = ("{}2", "{}:2", "{}.i", "{}-", "x{}")


def _fill(lab: Lab, store: Store, ids: list[str]) -> None:
    """The same in every namespace: three instances, a worker that holds the first, a rule, a kind, a document."""
    records = [lab.record(id=one, unique_key=f"k{n}", rank=n) for n, one in enumerate(ids)]
    assert {"added"} == {answer.status for answer in store.enqueue(records)}
    store.beat("w", _LONG_MS, WorkerRecord(id="w"))
    (claim,) = store.claim("w", 1, [KIND], 1)
    store.append_logs([LogRecord(claim.record.id, claim.token, 1, 0, 20, "hello")])
    store.put_schedule(lab.rule(next_slot_ms=1))
    store.put_kinds([KindDescriptor(kind=KIND, summary="s")])
    store.save([Document("d", b"1")])


def _picture(store: Store, ids: list[str]) -> dict[str, Any]:
    """All that can be seen of a namespace."""
    return {
        "get": store.get(ids),
        "find": store.find(InstanceFilter()).items,
        "history": store.history(ids),
        "stats": store.stats(),
        "logs": store.logs(LogFilter(id=ids[0])).lines,
        "workers": store.workers(),
        "kinds": store.kinds(),
        "schedules": store.schedules(),
        "due": store.due_schedules(),
        "documents": store.scan(""),
        "claim": store.claim("w", 1, [KIND], 1),
    }


def _work_through(lab: Lab, store: Store, ids: list[str]) -> None:
    """Every operation that changes anything."""
    (held,) = store.claim("w", 1, [KIND], 1)
    store.append_logs(
        [LogRecord(ids[0], held.token, 2, 0, 20, "more"), LogRecord(ids[0], held.token, 3, 0, 20, "", 1, 0.5)]
    )
    store.cancel(ids[:2])
    store.settle([Outcome(ids[0], held.token, Ending.TERMINATED)])
    store.purge(PurgeFilter())
    store.pause([KIND])
    store.resize("w", 7)
    rule = store.schedules()[0]
    store.fire(rule, 1, 2, [lab.record(id=slot_id("rule", 1))])
    store.patch_schedule("rule", None, paused=True, next_slot_ms=None)
    store.drop_schedule("rule")
    store.put_kinds([KindDescriptor(kind=KIND, summary="other")])
    (document,) = store.load(["d"])
    assert document is not None
    store.save([Document("d", b"2", document.version)])
    store.retire("w")
    store.reap()
    store.interrupt("w")
    lab.store.beat("w", _LONG_MS, WorkerRecord(id="w", owner="o", fingerprint="f"))
    store.sync_schedules("o", "f", None, [])


@proves("NS-1")
@pytest.mark.parametrize("pattern", _NEIGHBOURS)
def test_whatever_is_done_in_one_is_nothing_to_the_other(lab: Lab, pattern: str) -> None:
    """Two namespaces with the same ids, keys, workers, names: all that is seen of one stays as it is, whatever happens
    in the other."""
    ids = [lab.id() for _ in range(3)]
    other = lab.client(pattern.format(lab.namespace))
    try:
        for store in (lab.store, other):
            _fill(lab, store, ids)
        before = _picture(other, ids)
        _work_through(lab, lab.store, ids)
        assert before == _picture(other, ids)
        assert [ids[1]] == [claim.record.id for claim in other.claim("w", 2, [KIND], 1)]
    finally:
        other.clear(force=True)


@proves("NS-1")
def test_answers_are_of_the_own_namespace(lab: Lab) -> None:
    """Ids, keys, workers and documents of another namespace are not there."""
    other = lab.client(lab.namespace + "-2")
    try:
        _fill(lab, other, [lab.id() for _ in range(3)])
        one = lab.add(unique_key="k0")
        assert [one] == lab.find_all()
        assert (1, []) == (lab.store.count(InstanceFilter()), lab.store.workers())
        assert ([], [], [None]) == (lab.store.schedules(), lab.store.kinds(), lab.store.load(["d"]))
        assert [one] == lab.claimed_ids("v")
    finally:
        other.clear(force=True)


@proves("NS-2")
@pytest.mark.parametrize("pattern", _NEIGHBOURS)
def test_clear_touches_its_own_only(lab: Lab, pattern: str) -> None:
    """Of two namespaces, one's name part of the other's, clearing one leaves the other as it was, either way round."""
    ids = [lab.id() for _ in range(3)]
    other = lab.client(pattern.format(lab.namespace))
    try:
        for cleared, kept in ((lab.store, other), (other, lab.store)):
            for store in (lab.store, other):
                store.clear(force=True)
                _fill(lab, store, ids)
            before = _picture(kept, ids)
            cleared.clear(force=True)
            assert before == _picture(kept, ids)
            assert [None] * 3 == cleared.get(ids)
    finally:
        other.clear(force=True)


@proves("NS-3")
def test_view_is_another_namespace_of_the_same_backend(lab: Lab) -> None:
    """`namespaced` leads to what a client of that namespace has, and to nothing of its own."""
    name = lab.namespace + "-2"
    view, other = lab.store.namespaced(name), lab.client(name)
    try:
        one, two = lab.add(), lab.record()
        other.enqueue([two])
        assert (name, lab.namespace) == (view.namespace, lab.store.namespace)
        assert [None] == view.get([one])
        assert State.SCHEDULED is lab.get(two.id, store=view).state
        assert [None] == lab.store.get([two.id])
        assert State.SCHEDULED is lab.get(one, store=view.namespaced(lab.namespace)).state
    finally:
        view.clear(force=True)
