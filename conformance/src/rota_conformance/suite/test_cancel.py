"""CAN: ending what is queued, asking for the end of what runs."""

import pytest

from rota.model.records import Ending, TransitionRecord
from rota.model.state import State
from rota.store.contract import MAX_BATCH
from rota_conformance.lab import KIND, Lab
from rota_conformance.recorder import proves

_LONG_MS = 600_000


@proves("CAN-1")
@pytest.mark.parametrize("delay", [0, 2])
def test_queued_instance_is_canceled_at_once(lab: Lab, delay: int) -> None:
    """Due or not yet: it is CANCELED with the answer, stands so in its history, and no claim takes it any more."""
    one, other = lab.add(delay_ms=delay * lab.unit_ms), lab.add(delay_ms=delay * lab.unit_ms)
    before_ms = lab.store.now_ms()
    assert ["canceled"] == lab.store.cancel([one])
    snapshot = lab.get(one, store=lab.client())
    assert (State.CANCELED, None, 0) == (snapshot.state, snapshot.reason, snapshot.attempt)
    assert snapshot.ended_ms is not None
    assert before_ms <= snapshot.ended_ms <= lab.store.now_ms()
    assert TransitionRecord(State.CANCELED, snapshot.ended_ms) == lab.history(one)[-1]
    lab.pass_units(delay)
    assert [other] == lab.claimed_ids()
    assert [{State.CANCELED: 1, State.PROCESSING: 1}] == [entry.counts for entry in lab.store.stats()]


@proves("CAN-1")
def test_canceled_ones_cost_a_claim_nothing(lab: Lab) -> None:
    """A claim goes past however many were canceled, to what is left, in order."""
    ids = lab.add_many(MAX_BATCH)
    assert ["canceled"] * 990 == lab.store.cancel(ids[5:995])
    assert ids[:5] + ids[995:] == lab.claimed_ids()


@proves("CAN-1")
def test_what_waits_for_its_retry_is_canceled(lab: Lab) -> None:
    """Sent back for later it is queued, and ends at once."""
    one = lab.add()
    lab.settle(lab.claim_one(), Ending.TERMINATED, retry_after_ms=lab.unit_ms)
    assert ["canceled"] == lab.store.cancel([one])
    lab.pass_units(1)
    assert [] == lab.claim()
    assert ["terminated", "scheduled", "canceled"] == lab.path(one)[-3:]


@proves("CAN-2")
def test_worker_is_told_by_each_beat_until_it_lets_go(lab: Lab) -> None:
    """The request stands on the instance and in the beats of its worker alone, until that one has settled."""
    first, second, kept = lab.add_many(3)
    claims = lab.claim("w")
    lab.beat("other", _LONG_MS)
    assert ["requested", "requested"] == lab.store.cancel([second, first])
    assert [State.PROCESSING] * 3 == [lab.state(one) for one in (first, second, kept)]
    assert [True, True, False] == [lab.get(one).cancel_requested for one in (first, second, kept)]
    for store in (lab.store, lab.client()):
        assert {first, second} == set(lab.beat("w", store=store).cancels)
    assert () == lab.beat("other").cancels
    lab.settle(claims[0], Ending.CANCELED)
    assert (second,) == lab.beat("w").cancels
    lab.settle(claims[1], Ending.COMPLETED)
    assert () == lab.beat("w").cancels
    assert [State.CANCELED, State.COMPLETED] == [lab.state(one) for one in (first, second)]


@proves("CAN-2")
def test_request_that_was_told_before_goes_on_being_told(lab: Lab) -> None:
    """A beat whose reply was lost loses no request."""
    one = lab.add()
    lab.claim("w")
    lab.store.cancel([one])
    assert [(one,)] * 3 == [lab.beat("w").cancels for _ in range(3)]


@proves("CAN-3")
def test_final_and_missing_are_answered(lab: Lab) -> None:
    """What has ended, whichever way, and what was never there: told, and nothing changes."""
    done = [lab.run(ending) for ending in (Ending.COMPLETED, Ending.TERMINATED, Ending.CANCELED, Ending.TIMED_OUT)]
    before = lab.store.get(done), lab.store.history(done)
    assert ["final"] * 4 == lab.store.cancel(done)
    assert ["missing", "final", "missing"] == lab.store.cancel(["f" * 32, done[0], lab.id()])
    assert before == (lab.store.get(done), lab.store.history(done))
    assert sorted(done) == sorted(lab.find_all())


@proves("CAN-3")
def test_state_that_was_not_asked_for_is_left_alone(lab: Lab) -> None:
    """`where` names the states to be canceled; what is in another one by now is `changed`."""
    queued, running = lab.add(rank=9), lab.add(rank=1)
    lab.claim("w", limit=1)
    only_running, only_queued = frozenset({State.PROCESSING}), frozenset({State.SCHEDULED, State.CREATED})
    assert ["changed"] == lab.store.cancel([queued], only_running)
    assert ["changed"] == lab.store.cancel([running], only_queued)
    assert ["changed", "changed"] == lab.store.cancel([queued, running], frozenset())
    assert ((), State.SCHEDULED) == (lab.beat("w").cancels, lab.state(queued))
    assert ["canceled", "requested"] == [
        *lab.store.cancel([queued], only_queued), *lab.store.cancel([running], only_running),
    ]  # fmt: skip
    assert ["final"] == lab.store.cancel([queued], only_running), "final is final, whatever was asked for"


@proves("CAN-4")
def test_only_what_was_named_is_canceled(lab: Lab) -> None:
    """Its neighbours in the queue, of its kind, of its worker, of its key's start: none is touched."""
    ids = [lab.add(unique_key=f"k{n}", parent="f" * 32, schedule="s") for n in range(10)]
    other = lab.add(kind="other", unique_key="k1")
    held = lab.claimed_ids("w", limit=5)
    before = {one: (lab.get(one), lab.path(one)) for one in [*ids, other]}
    assert ["requested", "canceled"] == lab.store.cancel([held[2], ids[7]])
    assert [] == lab.store.cancel([])
    for one in set(before) - {held[2], ids[7]}:
        assert before[one] == (lab.get(one), lab.path(one))
    assert (held[2],) == lab.beat("w").cancels
    rest = [one for one in ids[5:] if one != ids[7]]
    assert rest == lab.claimed_ids("v")
    assert [other] == lab.claimed_ids("v", kinds=("other",))


@proves("CAN-4")
def test_cancel_repeated_is_the_same(lab: Lab) -> None:
    """Again after a lost reply: the running one is asked once, the queued one has ended once."""
    queued, running = lab.add(rank=9), lab.add(rank=1)
    claim = lab.claim("w", limit=1)[0]
    assert ["canceled", "requested"] == lab.store.cancel([queued, running])
    assert ["final", "requested"] == lab.store.cancel([queued, running])
    assert ["requested", "requested"] == lab.store.cancel([running, running])
    assert (running,) == lab.beat("w").cancels
    assert ["created", "scheduled", "canceled"] == lab.path(queued)
    lab.settle(claim, Ending.CANCELED)
    assert ["created", "scheduled", "processing", "canceled"] == lab.path(running)


@proves("CAN-4")
def test_request_does_not_outlive_its_instance(lab: Lab) -> None:
    """An id that comes anew after a purge was never asked to stop."""
    one = lab.add()
    claim = lab.claim_one("w")
    lab.store.cancel([one])
    lab.settle(claim, Ending.CANCELED)
    lab.purge_all()
    lab.add(id=one)
    assert [one] == lab.claimed_ids("w", kinds=(KIND,))
    assert (False, ()) == (lab.get(one).cancel_requested, lab.beat("w").cancels)


@proves("CAN-5")
def test_request_reaches_a_beat_that_waits(lab: Lab) -> None:
    """A worker that listens hears of it at once, from whichever client; a cancel of others' instances is no reason."""
    one, other = lab.add_many(2)
    lab.claim("w", limit=1)
    lab.claim("v", limit=1)
    listening = lab.blocked(lambda: lab.beat("w", _LONG_MS, wait_ms=_LONG_MS))
    lab.store.cancel([other])
    assert not listening.done()
    lab.client().cancel([one])
    assert (one,) == lab.answer(listening).cancels


@proves("CAN-5")
def test_request_that_came_before_the_beat_ends_it_at_once(lab: Lab) -> None:
    """What was not told yet is told without waiting; what was told already is no reason to come back."""
    one, second = lab.add_many(2)
    lab.claim("w")
    lab.store.cancel([one])
    assert (one,) == lab.answer(lab.background(lambda: lab.beat("w", _LONG_MS, wait_ms=_LONG_MS))).cancels
    listening = lab.blocked(lambda: lab.beat("w", _LONG_MS, wait_ms=_LONG_MS))
    lab.store.cancel([second])
    assert {one, second} == set(lab.answer(listening).cancels)
