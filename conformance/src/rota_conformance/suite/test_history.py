"""HIS: what happened to an instance, and that it is the truth."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from threading import Event
from typing import Any

import pytest

from rota.model.records import Claim, Ending, History, Snapshot, TransitionRecord
from rota.model.state import MOVES, State
from rota.store.contract import MAX_HISTORY, Store
from rota_conformance.lab import Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_FIRST, _LAST = MAX_HISTORY


def _check_path(history: History, snapshot: Snapshot) -> None:
    """A path of the state machine, that ends where the record stands, and told in the order of time."""
    entries = history.entries
    if not history.dropped:
        states: list[State | None] = [None, *(entry.state for entry in entries)]
        for before, after in pairwise(states):
            assert after in MOVES[before], f"{before} leads to {after} in {states}"
    last = entries[-1]
    assert (snapshot.state, snapshot.reason) == (last.state, last.reason)
    assert [entry.at_ms for entry in entries] == sorted(entry.at_ms for entry in entries)
    running = [entry for entry in entries if entry.state is State.PROCESSING]
    if snapshot.state is State.PROCESSING:
        assert (snapshot.attempt, snapshot.worker) == (last.attempt, last.worker)
    if snapshot.state.final:
        assert (snapshot.ended_ms, snapshot.error) == (last.at_ms, last.error)
    else:
        assert snapshot.ended_ms is None
    crashes = sum(entry.reason in ("crashed", "poison") for entry in entries)
    assert snapshot.crashes == crashes
    assert bool(running) == bool(snapshot.token)


def _moves(lab: Lab, claims: list[Claim]) -> list[Callable[[], object]]:
    """What may happen next, at random."""
    rng = lab.rng

    def end() -> None:
        if claims:
            claim = claims.pop(rng.randrange(len(claims)))
            options: dict[str, Any] = {"retry_after_ms": rng.choice([None, 0, lab.unit_ms // 10])}
            lab.settle(claim, rng.choice(list(Ending)), reason=rng.choice([None, "because"]), **options)

    def cancel() -> None:
        if found := lab.find_all():
            lab.store.cancel([rng.choice(found)])

    def retire() -> None:
        worker = f"w{rng.randrange(3)}"
        claims[:] = [claim for claim in claims if lab.get(claim.record.id).worker != worker]
        lab.store.retire(worker)

    return [
        lambda: lab.add(max_crashes=rng.randrange(3), delay_ms=rng.choice([0, lab.unit_ms // 10])),
        lambda: claims.extend(lab.claim(f"w{rng.randrange(3)}", limit=rng.randrange(1, 4))),
        end, end, end, cancel, retire,
    ]  # fmt: skip


@proves("HIS-1")
def test_histories_are_paths_that_end_where_the_records_stand(lab: Lab, profile: Profile) -> None:
    """After each of many steps at random, all histories tell how what is there came to be."""
    claims: list[Claim] = []
    for _ in range(5):
        lab.add()
    for step in range(min(5 * profile.rounds, 1_000)):
        lab.rng.choice(_moves(lab, claims))()
        if lab.moves_time:
            lab.pass_ms(lab.unit_ms // 20)
        if step % 5 == 0:
            ids = lab.find_all()
            for snapshot, history in zip(lab.store.get(ids), lab.store.history(ids), strict=True):
                assert snapshot is not None
                assert history is not None
                _check_path(history, snapshot)
    if lab.find_all():
        assert sorted(lab.find_all()) == lab.find_all(newest_first=False)


@proves("HIS-1")
def test_history_of_nothing_is_none(lab: Lab) -> None:
    """Answers come in the order asked for; what is not there has no history."""
    one, two = lab.add(), lab.run()
    histories = lab.store.history([two, "f" * 32, one, two])
    assert [4, None, 2, 4] == [history and len(history.entries) for history in histories]
    assert [] == lab.store.history([])


@proves("HIS-1")
def test_life_of_an_instance_is_told_whole(lab: Lab) -> None:
    """Every change, with attempt, worker and reason, in the order in which it happened."""
    one = lab.add()
    lab.settle(lab.claim_one("a"), Ending.TERMINATED, reason="first", retry_after_ms=0)
    lab.settle(lab.claim_one("b"), Ending.RELEASED)
    lab.settle(lab.claim_one("c"), Ending.CRASHED)
    lab.settle(lab.claim_one("d"), reason="done")
    told = [(entry.state.value, entry.attempt, entry.worker, entry.reason) for entry in lab.history(one)]
    # an entry that leads back to the queue after a retry is nobody's: the ending before it is the worker's
    told[4] = (*told[4][:2], None, told[4][3])
    assert [
        ("created", 0, None, None), ("scheduled", 0, None, None),
        ("processing", 1, "a", None), ("terminated", 1, "a", "first"), ("scheduled", 1, None, None),
        ("processing", 2, "b", None), ("scheduled", 1, "b", "released"),
        ("processing", 2, "c", None), ("scheduled", 1, "c", "crashed"),
        ("processing", 2, "d", None), ("completed", 2, "d", "done"),
    ] == told  # fmt: skip


@proves("HIS-2")
@pytest.mark.parametrize("rounds", [30, 31, 32, 60])
def test_first_and_last_entries_are_kept_and_the_others_counted(lab: Lab, rounds: int) -> None:
    """Up to the bound all are there; beyond it the first and the newest, and the number of those between."""
    one = lab.add(max_crashes=1_000)
    told: list[TransitionRecord] = lab.history(one)
    for n in range(rounds):
        claim = lab.claim_one(f"w{n % 3}")
        told.append(lab.history(one)[-1])
        lab.settle(claim, Ending.CRASHED if n % 2 else Ending.RELEASED)
        told.append(lab.history(one)[-1])
    (history,) = lab.store.history([one])
    assert history is not None
    dropped = max(0, len(told) - _FIRST - _LAST)
    assert (len(told), dropped) == (2 + 2 * rounds, history.dropped)
    assert (*told[:_FIRST], *told[_FIRST + dropped :]) == history.entries


@proves("HIS-2")
def test_retry_at_the_bound_drops_as_many_as_it_adds(lab: Lab) -> None:
    """A step that adds two entries is no exception."""
    one = lab.add()
    for _ in range(40):
        lab.settle(lab.claim_one(), Ending.TERMINATED, retry_after_ms=0)
    (history,) = lab.store.history([one])
    assert history is not None
    assert (_FIRST + _LAST, 2 + 3 * 40 - _FIRST - _LAST) == (len(history.entries), history.dropped)
    assert ["created", "scheduled"] == [entry.state.value for entry in history.entries[:2]]
    assert ["processing", "terminated", "scheduled"] == [entry.state.value for entry in history.entries[-3:]]


def _watch(store: Store, one: str, over: Event) -> list[tuple[State, State]]:
    """Where the record stood and where its history ended, when the history did not change between two looks."""
    seen = []
    while not over.is_set():
        (before,), (snapshot,), (after,) = store.history([one]), store.get([one]), store.history([one])
        if before is not None and before == after and snapshot is not None:
            seen.append((before.entries[-1].state, snapshot.state))
    return seen


def _live(lab: Lab, one: str, over: Event, rounds: int) -> list[tuple[State, State]]:
    try:
        for n in range(rounds):
            claim = lab.claim_one("w")
            if n % 3:
                lab.settle(claim, Ending.RELEASED)
            else:
                lab.settle(claim, Ending.TERMINATED, retry_after_ms=0)
        lab.store.cancel([one])
    finally:
        over.set()
    return []


@proves("HIS-3")
def test_no_reader_sees_a_change_without_its_entry(lab: Lab, profile: Profile) -> None:
    """Whoever looks while an instance goes through its life finds record and history at the same point."""
    one, over = lab.add(), Event()
    readers = [partial(_watch, lab.client(), one, over) for _ in range(2)]
    seen = lab.race(partial(_live, lab, one, over, max(profile.rounds, 60)), *readers)
    assert all(ended is stood for looks in seen for ended, stood in looks)


@proves("HIS-3")
def test_counters_change_in_the_same_step(lab: Lab, profile: Profile) -> None:
    """At every moment the numbers of all states add up to the number of instances."""
    number, over = 5, Event()
    ids = lab.add_many(number)

    def count(store: Store) -> list[int]:
        totals = []
        while not over.is_set():
            totals += [sum(entry.counts.values()) for entry in store.stats()]
        return totals

    def work() -> list[int]:
        try:
            for n in range(max(profile.rounds, 60)):
                for claim in lab.claim("w", limit=1 + n % number):
                    lab.settle(claim, Ending.RELEASED)
        finally:
            over.set()
        return []

    seen = lab.race(work, partial(count, lab.client()))
    assert {number} >= {total for totals in seen for total in totals}
    assert {State.SCHEDULED} == {lab.state(one) for one in ids}
