"""What several processes do with one store, while some of them are killed or stopped."""

import signal
from contextlib import ExitStack

import pytest

from rota.model.clock import SystemClock
from rota.model.ids import IdSource
from rota.model.records import Claim, Ending, InstanceRecord, Outcome, WorkerRecord
from rota.model.state import State
from rota.store.contract import Store
from rota_conformance.claimer import KIND
from rota_conformance.lab import Lab, wait_until
from rota_conformance.processes import child_process
from rota_conformance.recorder import proves

_LEASE_MS = 1_500
_LONG_MS = 600_000


@pytest.fixture
def store(lab: Lab) -> Store:
    """A client that goes by the wall clock, as the other processes do."""
    opened = lab.harness.open(lab.namespace, SystemClock())
    opened.beat("here", _LONG_MS, WorkerRecord(id="here"))
    return opened


def _fill(lab: Lab, store: Store, number: int) -> list[str]:
    """Instances that are due; their ids."""
    ids = IdSource(SystemClock(), lab.rng)
    now_ms = store.now_ms()
    records = [
        InstanceRecord(id=ids.one(), kind=KIND, arguments=b"", rank=n, created_ms=now_ms, due_ms=now_ms)
        for n in range(number)
    ]
    store.enqueue(records)
    return [one.id for one in records]


def _taken_over(store: Store, seq: int, number: int) -> list[Claim]:
    """Reap until a claim has that many."""
    claims: list[Claim] = []

    def all_came() -> bool:
        nonlocal seq
        store.reap()
        claims.extend(store.claim("here", seq := seq + 1, [KIND], number))
        return len(claims) == number

    wait_until(all_came, 2 * (_LEASE_MS / 1000 + 5), "what the other process held")
    return claims


def _finals(store: Store, id: str) -> int:
    (history,) = store.history([id])
    assert history is not None
    return sum(entry.state is State.COMPLETED for entry in history.entries)


@proves("CLM-10")
def test_of_racing_processes_one_holds_an_instance(lab: Lab, store: Store) -> None:
    """Started together, each takes until nothing is left: between them they have all, and none twice."""
    ids = _fill(lab, store, 200)
    with ExitStack() as stack:
        children = [stack.enter_context(child_process(lab, "claimer", f"w{n}", str(_LONG_MS))) for n in range(3)]
        assert ["ready"] * 3 == [child.hear() for child in children]
        for child in children:
            child.go()
        taken = [child.hear() for child in children]
        assert sorted(ids) == sorted(one for some in taken for one in some)
        for child, some in zip(children, taken, strict=True):
            child.go()
            assert ["done"] * len(some) == child.hear()
    assert [1] * 200 == [_finals(store, one) for one in ids]


@proves("WRK-9")
def test_process_killed_after_its_claim_loses_nothing(lab: Lab, store: Store) -> None:
    """What it held comes back once its lease is over, and is done by another."""
    ids = _fill(lab, store, 5)
    with child_process(lab, "claimer", "killed", str(_LEASE_MS)) as child:
        child.hear()
        child.go()
        assert sorted(ids) == sorted(child.hear())
        child.send(signal.SIGKILL)
    claims = _taken_over(store, 0, 5)
    answers = store.settle([Outcome(one.record.id, one.token, Ending.COMPLETED) for one in claims])
    assert ["done"] * 5 == [one.status for one in answers]
    assert [(State.COMPLETED, 1)] * 5 == [(one.state, one.crashes) for one in store.get(ids) if one is not None]


@proves("WRK-10")
def test_process_stopped_past_its_lease_changes_nothing(lab: Lab, store: Store) -> None:
    """It goes on when others have its work, and is told that each of its answers came too late."""
    ids = _fill(lab, store, 5)
    with child_process(lab, "claimer", "stopped", str(_LEASE_MS)) as child:
        child.hear()
        child.go()
        assert sorted(ids) == sorted(child.hear())
        child.send(signal.SIGSTOP)
        claims = _taken_over(store, 0, 5)
        child.send(signal.SIGCONT)
        child.go()
        assert ["lost"] * 5 == child.hear()
    assert {State.PROCESSING} == {one.state for one in store.get(ids) if one is not None}
    answers = store.settle([Outcome(one.record.id, one.token, Ending.COMPLETED) for one in claims])
    assert ["done"] * 5 == [one.status for one in answers]
    assert [1] * 5 == [_finals(store, one) for one in ids]
