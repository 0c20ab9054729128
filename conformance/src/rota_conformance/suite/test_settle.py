"""SET: how attempts end, once, by who holds them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from rota.model.errors import ConfigError
from rota.model.records import Ending, ErrorRecord, Outcome, Reaped, SettleAnswer, TransitionRecord
from rota.model.state import FINAL_STATES, State
from rota.store.contract import MAX_BATCH, MAX_FOLLOWUPS
from rota_conformance.hostile import TEXTS, huge_text
from rota_conformance.lab import KIND, Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_LONG_MS = 600_000
_FINAL = [
    (Ending.COMPLETED, State.COMPLETED),
    (Ending.TERMINATED, State.TERMINATED),
    (Ending.CANCELED, State.CANCELED),
    (Ending.TIMED_OUT, State.TIMED_OUT),
]


@proves("SET-1")
@pytest.mark.parametrize(("ending", "state"), _FINAL)
def test_ending_is_final_with_all_that_belongs_to_it(lab: Lab, ending: Ending, state: State) -> None:
    """State, result, error, reason, time and history are there in the same step, for every client."""
    one = lab.add()
    claim = lab.claim_one("w")
    error = None if ending is Ending.COMPLETED else ErrorRecord("failed", "ValueError", "no", "Traceback\n  ...")
    result = b"\x01\0\x02" if ending is Ending.COMPLETED else None
    before_ms = lab.store.now_ms()
    assert SettleAnswer("done", state) == lab.settle(claim, ending, result=result, error=error, reason="because")
    snapshot = lab.get(one, store=lab.client())
    assert (state, result, error, "because") == (snapshot.state, snapshot.result, snapshot.error, snapshot.reason)
    assert (claim.token, 1, "w") == (snapshot.token, snapshot.attempt, snapshot.worker)
    assert snapshot.ended_ms is not None
    assert before_ms <= snapshot.ended_ms <= lab.store.now_ms()
    assert TransitionRecord(state, snapshot.ended_ms, 1, "w", "because", error) == lab.history(one)[-1]
    assert ["created", "scheduled", "processing"] == lab.path(one)[:-1]
    assert [{state: 1}] == [entry.counts for entry in lab.store.stats()]
    assert [] == lab.claim()


@proves("SET-1")
def test_result_of_nothing_is_not_an_empty_result(lab: Lab) -> None:
    """No bytes and no result are told apart."""
    assert (b"", None) == (
        lab.get(lab.run(settling={"result": b""})).result, lab.get(lab.run(settling={"result": None})).result,
    )  # fmt: skip


@proves("SET-1", "ENQ-10")
def test_errors_of_any_text_are_kept(lab: Lab) -> None:
    """Names, messages and tracebacks come back as they were given."""
    for text in (*TEXTS, huge_text(100_000)):
        error = ErrorRecord("failed", text[:300], text, text)
        one = lab.run(Ending.TERMINATED, settling={"error": error})
        assert error == lab.get(one).error
        assert error == lab.history(one)[-1].error


@proves("SET-2")
def test_token_that_is_not_current_changes_nothing(lab: Lab) -> None:
    """A settle by a former holder, by one of the future, by nobody: `lost`, and the holder is not disturbed."""
    one = lab.add()
    stale = lab.claim_one("old")
    lab.store.retire("old")
    claim = lab.claim_one("new")
    before = lab.get(one), lab.history(one), lab.store.stats()
    for token in (stale.token, claim.token + 1, 0, -1):
        for ending in Ending:
            outcome = Outcome(one, token, ending, result=b"wrong", followups=(lab.record(),))
            assert [SettleAnswer("lost", State.PROCESSING)] == lab.store.settle([outcome])
    assert before == (lab.get(one), lab.history(one), lab.store.stats())
    assert [one] == lab.find_all(), "what was lost brings no follow-ups"
    assert SettleAnswer("done", State.COMPLETED) == lab.settle(claim, result=b"right")
    assert b"right" == lab.get(one).result


@proves("SET-2")
def test_settle_of_what_nobody_holds_is_lost(lab: Lab) -> None:
    """Queued, not there, purged: there is no token that fits."""
    queued = lab.add()
    assert [SettleAnswer("lost", State.SCHEDULED), SettleAnswer("lost", None)] == lab.store.settle(
        [Outcome(queued, 0, Ending.COMPLETED), Outcome("f" * 32, 1, Ending.COMPLETED)]
    )
    assert ["created", "scheduled"] == lab.path(queued)
    lab.store.cancel([queued])
    lab.add()
    claim = lab.claim_one()
    lab.settle(claim)
    lab.purge_all()
    assert SettleAnswer("lost", None) == lab.settle(claim)
    assert [] == lab.find_all(), "it does not come back"


@proves("SET-2")
def test_token_of_another_instance_does_not_fit(lab: Lab) -> None:
    """A token goes with its id."""
    ids = lab.add_many(2)
    first, second = lab.claim()
    if first.token != second.token:
        outcomes = [Outcome(ids[0], second.token, Ending.COMPLETED), Outcome(ids[1], first.token, Ending.COMPLETED)]
        assert [SettleAnswer("lost", State.PROCESSING)] * 2 == lab.store.settle(outcomes)
    assert ["done", "done"] == [lab.settle(claim).status for claim in (first, second)]


@proves("SET-3")
@pytest.mark.parametrize("ending", list(Ending), ids=lambda ending: ending.value)
def test_same_outcome_again_is_already_there(lab: Lab, ending: Ending) -> None:
    """After a lost reply the same call answers `already`, and has the effect of one, follow-ups included."""
    one = lab.add()
    claim = lab.claim_one()
    outcome = Outcome(one, claim.token, ending, result=b"r", followups=(lab.record(kind="follow"),))
    (answer,) = lab.store.settle([outcome])
    assert "done" == answer.status
    before = lab.get(one), lab.history(one), lab.store.stats(), lab.find_all()
    for store in (lab.store, lab.client()):
        assert [SettleAnswer("already", answer.state)] == store.settle([outcome])
    assert [SettleAnswer("already", answer.state)] == lab.store.settle([Outcome(one, claim.token, Ending.TIMED_OUT)])
    assert before == (lab.get(one), lab.history(one), lab.store.stats(), lab.find_all())


@proves("SET-3")
@pytest.mark.parametrize("ending", [Ending.RELEASED, Ending.CRASHED, Ending.TERMINATED])
def test_same_outcome_again_after_a_new_claim(lab: Lab, ending: Ending) -> None:
    """Sent back and taken by another worker meanwhile: still `already`, and the new holder is not disturbed."""
    one = lab.add()
    options: dict[str, Any] = {"retry_after_ms": 0} if ending is Ending.TERMINATED else {}
    old = lab.claim_one("old")
    assert SettleAnswer("done", State.SCHEDULED) == lab.settle(old, ending, **options)
    new = lab.claim_one("new")
    before = lab.get(one), lab.history(one)
    assert SettleAnswer("already", State.PROCESSING) == lab.settle(old, ending, **options)
    assert before == (lab.get(one), lab.history(one))
    assert "done" == lab.settle(new).status


@proves("SET-3")
def test_outcome_twice_in_one_batch_counts_once(lab: Lab) -> None:
    """The second of two alike is `already`."""
    one = lab.add()
    claim = lab.claim_one()
    outcome = Outcome(one, claim.token, Ending.CRASHED)
    assert ["done", "already"] == [answer.status for answer in lab.store.settle([outcome, outcome])]
    assert 1 == lab.get(one).crashes


@proves("SET-4")
@pytest.mark.parametrize("ending", [Ending.TERMINATED, Ending.TIMED_OUT])
def test_retry_is_its_ending_and_scheduled_in_one_step(lab: Lab, ending: Ending) -> None:
    """The history has both, at one time; the record is SCHEDULED, due that much later, the attempt counted."""
    one = lab.add()
    claim = lab.claim_one("w")
    error = ErrorRecord("failed", "OSError", "again")
    before_ms = lab.store.now_ms()
    answer = lab.settle(claim, ending, error=error, reason="because", retry_after_ms=2 * lab.unit_ms)
    assert SettleAnswer("done", State.SCHEDULED) == answer
    ended, scheduled = lab.history(one)[-2:]
    assert TransitionRecord(dict(_FINAL)[ending], ended.at_ms, 1, "w", "because", error) == ended
    assert (State.SCHEDULED, ended.at_ms) == (scheduled.state, scheduled.at_ms)
    snapshot = lab.get(one)
    assert (State.SCHEDULED, 1, None) == (snapshot.state, snapshot.attempt, snapshot.ended_ms)
    assert before_ms <= snapshot.due_ms - 2 * lab.unit_ms <= lab.store.now_ms()
    assert [{State.SCHEDULED: 1}] == [entry.counts for entry in lab.store.stats()]
    assert [] == lab.claim()
    lab.pass_units(2)
    again = lab.claim_one("v")
    assert (2, snapshot.due_ms) == (again.attempt, again.due_ms)


@proves("SET-4")
@pytest.mark.parametrize("ending", [Ending.COMPLETED, Ending.CANCELED])
def test_only_failures_are_retried(lab: Lab, ending: Ending) -> None:
    """A success and a cancel are final, whatever else the outcome says."""
    one = lab.add()
    assert lab.settle(lab.claim_one(), ending, retry_after_ms=0).state is dict(_FINAL)[ending]
    assert lab.state(one).final


@proves("SET-5")
def test_release_goes_back_due_now_uncounted(lab: Lab) -> None:
    """A worker that stops gives back: SCHEDULED, reason "released", due at once; the next attempt has its number."""
    one = lab.add()
    claim = lab.claim_one("w")
    lab.pass_units(1)
    before_ms = lab.store.now_ms()
    assert SettleAnswer("done", State.SCHEDULED) == lab.settle(claim, Ending.RELEASED)
    snapshot = lab.get(one)
    assert (0, 0, None) == (snapshot.attempt, snapshot.crashes, snapshot.worker)
    assert before_ms <= snapshot.due_ms <= lab.store.now_ms()
    assert ["created", "scheduled", "processing", "scheduled:released"] == lab.path(one)
    assert "w" == lab.history(one)[-1].worker
    assert 1 == lab.claim_one("v").attempt


@proves("SET-6")
def test_crash_counts_apart_from_failures_up_to_the_bound(lab: Lab) -> None:
    """A crash gives the attempt's number back and counts for itself; one more than `max_crashes` is poison."""
    one = lab.add(max_crashes=2)
    lab.settle(lab.claim_one(), Ending.TERMINATED, retry_after_ms=0)
    for crashes in (1, 2):
        claim = lab.claim_one()
        assert (2, crashes - 1) == (claim.attempt, claim.crashes)
        assert SettleAnswer("done", State.SCHEDULED) == lab.settle(claim, Ending.CRASHED)
        assert (1, crashes) == (lab.get(one).attempt, lab.get(one).crashes)
        assert "scheduled:crashed" == lab.path(one)[-1]
    error = ErrorRecord("crashed", "JobCrashed", "signal 11")
    assert SettleAnswer("done", State.TERMINATED) == lab.settle(lab.claim_one(), Ending.CRASHED, error=error)
    snapshot = lab.get(one)
    assert (State.TERMINATED, "poison", error) == (snapshot.state, snapshot.reason, snapshot.error)
    assert "terminated:poison" == lab.path(one)[-1]
    assert [one] == lab.find_all(reason="poison")


@proves("SET-6")
def test_no_crash_is_allowed_where_none_is(lab: Lab) -> None:
    """With a bound of 0 the first is the last; releases and failures count for nothing here."""
    one = lab.add(max_crashes=0)
    lab.settle(lab.claim_one(), Ending.RELEASED)
    lab.settle(lab.claim_one(), Ending.TIMED_OUT, retry_after_ms=0)
    assert SettleAnswer("done", State.TERMINATED) == lab.settle(lab.claim_one(), Ending.CRASHED)
    assert (1, "poison") == (lab.get(one).crashes, lab.get(one).reason)


@proves("SET-7")
@pytest.mark.parametrize("ending", [Ending.RELEASED, Ending.CRASHED, Ending.TERMINATED, Ending.TIMED_OUT])
def test_what_would_go_back_is_canceled_when_that_was_asked_for(lab: Lab, ending: Ending) -> None:
    """A cancel that was requested wins against every way back into the queue."""
    one = lab.add()
    claim = lab.claim_one()
    assert ["requested"] == lab.store.cancel([one])
    options: dict[str, Any] = {"retry_after_ms": 0} if ending in (Ending.TERMINATED, Ending.TIMED_OUT) else {}
    assert SettleAnswer("done", State.CANCELED) == lab.settle(claim, ending, **options)
    assert (State.CANCELED, State.CANCELED) == (lab.state(one), lab.history(one)[-1].state)
    assert lab.get(one).ended_ms is not None
    assert [] == lab.claim()


@proves("SET-7")
@pytest.mark.parametrize(("ending", "state"), _FINAL)
def test_ending_stands_in_spite_of_a_requested_cancel(lab: Lab, ending: Ending, state: State) -> None:
    """What has ended for good before its worker heard of the cancel ended so."""
    one = lab.add()
    claim = lab.claim_one()
    lab.store.cancel([one])
    assert SettleAnswer("done", state) == lab.settle(claim, ending)
    assert state is lab.state(one)


@proves("SET-8")
@pytest.mark.parametrize(("ending", "state"), _FINAL)
def test_final_instance_never_changes(lab: Lab, ending: Ending, state: State) -> None:
    """No settle, cancel, enqueue, reap or end of its worker moves what is final."""
    one = lab.add(expires_after_ms=lab.unit_ms, unique_key="k")
    lab.beat("w", lab.short_ms)
    claim = lab.claim_one("w")
    lab.settle(claim, ending, result=b"r")
    before = lab.get(one), lab.history(one)
    for other in Ending:
        lab.settle(claim, other, result=b"x", retry_after_ms=0)
        lab.store.settle([Outcome(one, claim.token + 1, other)])
    assert ["final"] == lab.store.cancel([one])
    lab.store.enqueue([lab.record(id=one)])
    assert [] == lab.reap_dead(lab.short_ms)
    lab.store.retire("w")
    assert state is lab.state(one)
    assert before == (lab.get(one), lab.history(one))
    assert [] == lab.claim("v")


@proves("SET-8")
def test_canceled_in_the_queue_never_changes(lab: Lab) -> None:
    """What ended without ever running is as final."""
    one = lab.add(delay_ms=lab.unit_ms)
    lab.store.cancel([one])
    before = lab.get(one), lab.history(one)
    lab.pass_units(2)
    assert ([], [], ["final"]) == (lab.claim(), lab.store.reap(), lab.store.cancel([one]))
    assert before == (lab.get(one), lab.history(one))


@proves("SET-9")
def test_holder_settles_after_its_lease_until_it_is_reaped(lab: Lab) -> None:
    """The end of a lease is only a permission to reap: who is late and was not reaped is still the holder."""
    one = lab.add()
    lab.beat("w", lab.short_ms)
    claim = lab.claim_one("w")
    lab.pass_ms(2 * lab.short_ms)
    assert SettleAnswer("done", State.COMPLETED) == lab.settle(claim, result=b"late")
    assert b"late" == lab.get(one).result
    assert [] == lab.reap_dead(lab.short_ms)


@proves("SET-10")
def test_followups_come_in_the_same_step(lab: Lab) -> None:
    """As many as are allowed are there once the settle has answered, each like any other instance."""
    one = lab.add()
    records = tuple(lab.record(kind="follow", parent=one, delay_ms=n * _LONG_MS) for n in range(MAX_FOLLOWUPS))
    before_ms = lab.store.now_ms()
    assert SettleAnswer("done", State.COMPLETED) == lab.settle(lab.claim_one(), followups=records)
    assert [record.id for record in records] == lab.find_all(parent=one, newest_first=False)
    assert list(records) == [found and found.record for found in lab.store.get([record.id for record in records])]
    for n, record in enumerate(records):
        assert before_ms <= lab.get(record.id).due_ms - n * _LONG_MS <= lab.store.now_ms()
        assert ["created", "scheduled"] == lab.path(record.id)
    assert [records[0].id] == lab.claimed_ids(kinds=("follow",))


@proves("SET-10")
def test_followup_that_is_there_or_is_a_duplicate_harms_nothing(lab: Lab) -> None:
    """The ending stands, the others come."""
    holder = lab.add(kind="follow", unique_key="k")
    one = lab.add()
    fresh = lab.record(kind="follow")
    followups = (lab.record(id=holder), lab.record(kind="follow", unique_key="k"), fresh)
    assert "done" == lab.settle(lab.claim_one(), followups=followups).status
    assert {holder, one, fresh.id} == set(lab.find_all())


@proves("SET-10")
def test_followup_takes_over_the_unique_key_of_the_ended(lab: Lab) -> None:
    """The ending comes first and gives the key back, so that a job may schedule itself anew."""
    lab.add(unique_key="k")
    following = lab.record(unique_key="k")
    assert "done" == lab.settle(lab.claim_one(), followups=(following,)).status
    assert [following.id] == lab.claimed_ids()


@proves("SET-10")
def test_too_many_followups_are_refused_before_anything_is_done(lab: Lab) -> None:
    """ConfigError for the whole call: nothing of the batch has happened, and it may be settled rightly afterwards."""
    ids = lab.add_many(2)
    first, second = lab.claim()
    too_many = tuple(lab.record(kind="follow") for _ in range(MAX_FOLLOWUPS + 1))
    outcomes = [
        Outcome(ids[0], first.token, Ending.COMPLETED),
        Outcome(ids[1], second.token, Ending.COMPLETED, followups=too_many),
    ]
    with pytest.raises(ConfigError):
        lab.store.settle(outcomes)
    assert [State.PROCESSING] * 2 == [lab.state(one) for one in ids]
    assert sorted(ids) == sorted(lab.find_all())
    assert ["done", "done"] == [lab.settle(claim).status for claim in (first, second)]


@proves("SET-10")
def test_followups_come_with_a_retry_too(lab: Lab) -> None:
    """Whatever the ending, what it brings is enqueued."""
    for ending in Ending:
        lab.add()
        lab.settle(lab.claim_one(), ending, followups=(lab.record(kind=f"after-{ending.value}"),))
        assert 1 == len(lab.claim(kinds=(f"after-{ending.value}",)))
        lab.store.cancel(lab.find_all(kinds=frozenset({KIND})))


@proves("SET-11")
def test_batch_answers_each_item_in_order(lab: Lab) -> None:
    """Done, already, lost, gone: each for itself; what is lost harms no other."""
    ids = lab.add_many(4)
    claims = lab.claim()
    lab.settle(claims[1], Ending.TERMINATED)
    outcomes = [
        Outcome(ids[0], claims[0].token, Ending.COMPLETED), Outcome(ids[1], claims[1].token, Ending.TERMINATED),
        Outcome(ids[2], claims[2].token + 10_000, Ending.COMPLETED), Outcome("f" * 32, 1, Ending.COMPLETED),
        Outcome(ids[3], claims[3].token, Ending.RELEASED),
    ]  # fmt: skip
    assert [
        SettleAnswer("done", State.COMPLETED), SettleAnswer("already", State.TERMINATED),
        SettleAnswer("lost", State.PROCESSING), SettleAnswer("lost", None), SettleAnswer("done", State.SCHEDULED),
    ] == lab.store.settle(outcomes)  # fmt: skip
    assert [] == lab.store.settle([])


@proves("SET-11")
def test_full_batch_is_settled(lab: Lab) -> None:
    """The largest batch, of every ending, gives each instance its own."""
    lab.add_many(MAX_BATCH)
    claims = lab.claim_all(limit=MAX_BATCH)
    endings = [list(Ending)[n % len(Ending)] for n in range(len(claims))]
    outcomes = [
        Outcome(claim.record.id, claim.token, ending, result=b"%d" % n)
        for n, (claim, ending) in enumerate(zip(claims, endings, strict=True))
    ]
    answers = lab.store.settle(outcomes)
    assert {"done"} == {answer.status for answer in answers}
    back = (Ending.CRASHED, Ending.RELEASED)
    expected = [State.SCHEDULED if ending in back else dict(_FINAL)[ending] for ending in endings]
    assert expected == [answer.state for answer in answers]
    found = lab.store.get([claim.record.id for claim in claims])
    assert expected == [one and one.state for one in found]
    assert [b"%d" % n for n, ending in enumerate(endings) if ending not in back] == [
        one.result for one in found if one is not None and one.state in FINAL_STATES
    ]


@proves("SET-12")
def test_of_settle_cancel_and_reap_that_race_one_ends_it(lab: Lab, profile: Profile) -> None:
    """A holder whose lease is over, a reaper and a canceler at one moment: one of them has it, the others are told, and
    the history is the one that was answered."""
    number = min(profile.rounds, 60)
    ids = lab.add_many(number)
    for n in range(number):
        lab.beat(f"w{n}", lab.short_ms)
    claims = [lab.claim_one(f"w{n}", limit=1) for n in range(number)]
    lab.store.reap()
    lab.pass_ms(lab.short_ms * 1.5)
    stores = [lab.client(), lab.client()]
    contenders: list[Callable[[], Any]] = [
        lambda: [lab.settle(claim, Ending.TERMINATED) for claim in claims],
        lambda: [answer for one in ids for answer in stores[0].cancel([one])],
        lambda: [moved for _ in range(3 * number) for moved in stores[1].reap(1)],
    ]
    settled, canceled, reaped = lab.race(*contenders)
    reaped += lab.reap_dead(lab.short_ms, sum(answer.status == "lost" for answer in settled) - len(reaped))
    for n, one in enumerate(ids):
        _check_one_has_it(lab, one, settled[n], canceled[n], [moved for moved in reaped if moved.id == one])


def _check_one_has_it(lab: Lab, one: str, settled: SettleAnswer, canceled: str, reaped: list[Reaped]) -> None:
    path = lab.path(one)
    assert ["created", "scheduled", "processing"] == path[:3]
    assert 4 <= len(path) <= 5
    if settled.status == "done":
        assert ([], ["terminated"]) == (reaped, path[3:])
        assert canceled in ("requested", "final")
        return
    assert ("lost", 1) == (settled.status, len(reaped))
    assert reaped[0].state in (State.SCHEDULED, State.CANCELED)
    if reaped[0].state is State.SCHEDULED:  # the cancel came after the reap, if at all
        assert "canceled" == canceled
        assert ["scheduled:crashed", "canceled"] == path[3:]
    else:
        assert "requested" == canceled
        assert lab.state(one) is State.CANCELED


@proves("SET-12")
def test_of_racing_settles_one_is_done(lab: Lab, profile: Profile) -> None:
    """The same claim settled in several ways at once, as a worker's time-out and its job may: one is done, the others
    find that it is already, and the record is that one's."""
    stores = [lab.store, *(lab.client() for _ in range(3))]
    endings = [Ending.COMPLETED, Ending.TERMINATED, Ending.TIMED_OUT, Ending.CRASHED]
    lab.beat("w", _LONG_MS)
    for _ in range(profile.rounds):
        one = lab.add(max_crashes=0)
        claim = lab.claim_one("w")
        answers = lab.race(
            *(partial(lab.settle, claim, ending, store) for store, ending in zip(stores, endings, strict=True))
        )
        assert ["already"] * 3 + ["done"] == sorted(answer.status for answer in answers)
        (winner,) = [ending for ending, answer in zip(endings, answers, strict=True) if answer.status == "done"]
        expected = State.TERMINATED if winner is Ending.CRASHED else dict(_FINAL)[winner]
        assert (expected, 4) == (lab.state(one), len(lab.path(one)))
        assert {expected} == {answer.state for answer in answers}
