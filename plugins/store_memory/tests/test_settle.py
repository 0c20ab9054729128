"""Ending attempts."""

from typing import Any

import pytest
from plugins.store_memory.tests.lab import Lab

from rota.model.errors import ConfigError
from rota.model.query import InstanceFilter
from rota.model.records import Ending, ErrorRecord, Outcome, SettleAnswer, TransitionRecord
from rota.model.state import State
from rota.store.contract import MAX_FOLLOWUPS

_ERROR = ErrorRecord("failed", "builtins.OSError", "no")
_FINAL = [Ending.COMPLETED, Ending.TERMINATED, Ending.CANCELED, Ending.TIMED_OUT]


@pytest.mark.parametrize("ending", _FINAL)
def test_final_ending_keeps_all_that_was_said(lab: Lab, ending: Ending) -> None:
    """Result, error and reason are kept with the end, and stand in the history."""
    instance_id = lab.add()
    claim = lab.claim_one("w")
    lab.clock.advance(2)
    state = State(ending.value)
    assert SettleAnswer("done", state) == lab.settle(claim, ending, result=b"3", error=_ERROR, reason="because")
    now_ms, snapshot = lab.clock.now_ms(), lab.get(instance_id)
    assert (state, now_ms, b"3", _ERROR, "because", "w", 1) == (
        snapshot.state, snapshot.ended_ms, snapshot.result, snapshot.error, snapshot.reason, snapshot.worker,
        snapshot.attempt,
    )  # fmt: skip
    assert [
        TransitionRecord(State.CREATED, now_ms - 2000),
        TransitionRecord(State.SCHEDULED, now_ms - 2000),
        TransitionRecord(State.PROCESSING, now_ms - 2000, 1, "w"),
        TransitionRecord(state, now_ms, 1, "w", "because", _ERROR),
    ] == lab.history(instance_id)


def test_same_settle_again_answers_already(lab: Lab) -> None:
    """A repeated settle has the effect of one: after the end, after a retry, and after that was claimed again."""
    instance_id = lab.add()
    claim = lab.claim_one()
    retry: dict[str, Any] = {"ending": Ending.TERMINATED, "retry_after_ms": 0}
    assert "done" == lab.settle(claim, **retry).status
    assert SettleAnswer("already", State.SCHEDULED) == lab.settle(claim, **retry)
    second = lab.claim_one()
    assert SettleAnswer("already", State.PROCESSING) == lab.settle(claim, **retry)
    assert "done" == lab.settle(second).status
    assert SettleAnswer("already", State.COMPLETED) == lab.settle(second)
    assert ["created", "scheduled", "processing", "terminated", "scheduled", "processing", "completed"] == lab.path(
        instance_id
    )


def test_stale_token_changes_nothing(lab: Lab) -> None:
    """A settle with a token that was taken back, never given, or of an instance that is gone, is lost."""
    instance_id = lab.add()
    stale = lab.claim_one("w")
    lab.clock.advance(20)
    lab.store.reap()
    assert SettleAnswer("lost", State.SCHEDULED) == lab.settle(stale)
    current = lab.claim_one("v")
    assert SettleAnswer("lost", State.PROCESSING) == lab.settle(stale)
    answers = lab.store.settle(
        [Outcome(instance_id, current.token + 1, Ending.COMPLETED), Outcome("f" * 32, 1, Ending.COMPLETED)]
    )
    assert [SettleAnswer("lost", State.PROCESSING), SettleAnswer("lost", None)] == answers
    assert "done" == lab.settle(current).status


def test_settle_after_the_lease_but_before_reap_counts(lab: Lab) -> None:
    """The end of a lease is only a permission to reap."""
    lab.add()
    claim = lab.claim_one()
    lab.clock.advance(60)
    assert SettleAnswer("done", State.COMPLETED) == lab.settle(claim)
    assert [] == lab.store.reap()


def test_settle_of_a_dead_worker_not_taken_back_yet_is_lost(lab: Lab) -> None:
    """Once marked dead a worker is refused, also for what a bounded reap has left to the next."""
    lab.add_many(2)
    claims = lab.claim()
    lab.clock.advance(20)
    assert [claims[0].record.id] == [moved.id for moved in lab.store.reap(limit=1)]
    assert ["lost", "lost"] == [lab.settle(claim).status for claim in claims]
    assert [claims[1].record.id] == [moved.id for moved in lab.store.reap(limit=1)]


@pytest.mark.parametrize("ending", [Ending.TERMINATED, Ending.TIMED_OUT])
def test_retry_stands_in_the_history_in_one_step(lab: Lab, ending: Ending) -> None:
    """A retried attempt is its ending and SCHEDULED at once, due after the wait, the error at hand meanwhile."""
    instance_id = lab.add()
    state = State(ending.value)
    answer = lab.settle(lab.claim_one("w"), ending, error=_ERROR, retry_after_ms=4000)
    assert SettleAnswer("done", State.SCHEDULED) == answer
    now_ms = lab.clock.now_ms()
    assert [TransitionRecord(state, now_ms, 1, "w", None, _ERROR), TransitionRecord(State.SCHEDULED, now_ms, 1)] == (
        lab.history(instance_id)[-2:]
    )
    snapshot = lab.get(instance_id)
    assert (now_ms + 4000, None, None, _ERROR) == (
        snapshot.due_ms, snapshot.worker, snapshot.ended_ms, snapshot.error,
    )  # fmt: skip
    assert [] == lab.claim()
    lab.clock.advance(4)
    second = lab.claim_one()
    assert (2, now_ms + 4000) == (second.attempt, second.due_ms)
    assert lab.get(instance_id).error is None


def test_release_gives_the_number_of_the_attempt_back(lab: Lab) -> None:
    """RELEASED is due at once, costs no attempt, and says why."""
    instance_id = lab.add()
    lab.clock.advance(1)
    assert SettleAnswer("done", State.SCHEDULED) == lab.settle(lab.claim_one("w"), Ending.RELEASED)
    now_ms = lab.clock.now_ms()
    assert TransitionRecord(State.SCHEDULED, now_ms, 0, "w", "released") == lab.history(instance_id)[-1]
    assert (0, 0, now_ms) == (lab.get(instance_id).attempt, lab.get(instance_id).crashes, lab.get(instance_id).due_ms)
    assert 1 == lab.claim_one().attempt


def test_crashes_beyond_the_bound_are_poison(lab: Lab) -> None:
    """A crash costs no attempt but counts; beyond `max_crashes` the instance is TERMINATED, reason "poison"."""
    instance_id = lab.add(max_crashes=1)
    assert SettleAnswer("done", State.SCHEDULED) == lab.settle(lab.claim_one("w"), Ending.CRASHED)
    assert "crashed" == lab.history(instance_id)[-1].reason
    second = lab.claim_one("w")
    assert (1, 1) == (second.attempt, second.crashes)
    assert SettleAnswer("done", State.TERMINATED) == lab.settle(second, Ending.CRASHED)
    snapshot = lab.get(instance_id)
    assert ("poison", 2, "crashed") == (snapshot.reason, snapshot.crashes, snapshot.error and snapshot.error.category)


def test_reported_crash_keeps_its_own_error(lab: Lab) -> None:
    """The error that came with the last crash stands, not one made up."""
    instance_id = lab.add(max_crashes=0)
    error = ErrorRecord("crashed", "JobCrashed", "signal 9")
    lab.settle(lab.claim_one(), Ending.CRASHED, error=error)
    assert error == lab.get(instance_id).error


def test_crash_that_is_sent_back_tells_why(lab: Lab) -> None:
    """Its error stands in the history, and on the instance while it waits."""
    instance_id = lab.add()
    error = ErrorRecord("crashed", "JobCrashed", "signal 9")
    lab.settle(lab.claim_one(), Ending.CRASHED, error=error)
    assert (error, "crashed") == (lab.history(instance_id)[-1].error, lab.history(instance_id)[-1].reason)
    assert error == lab.get(instance_id).error


@pytest.mark.parametrize(
    ("ending", "fields"),
    [(Ending.TERMINATED, {"retry_after_ms": 0}), (Ending.RELEASED, {}), (Ending.CRASHED, {})],
)
def test_requeue_loses_against_a_requested_cancel(lab: Lab, ending: Ending, fields: dict[str, Any]) -> None:
    """Whatever would go back to the queue is CANCELED when a cancel was requested, delivered or not."""
    instance_id = lab.add()
    claim = lab.claim_one()
    lab.store.cancel([instance_id])
    assert SettleAnswer("done", State.CANCELED) == lab.settle(claim, ending, **fields)
    assert ["created", "scheduled", "processing", "canceled"] == lab.path(instance_id)
    assert [] == lab.claim()


def test_final_ending_wins_over_a_requested_cancel(lab: Lab) -> None:
    """What had ended before it heard of the cancel keeps its ending."""
    instance_id = lab.add()
    claim = lab.claim_one()
    lab.store.cancel([instance_id])
    assert SettleAnswer("done", State.COMPLETED) == lab.settle(claim)


def test_followups_come_with_the_settle_and_only_once(lab: Lab) -> None:
    """Follow-up records are enqueued in the step that ends their parent, not again by a repeat, nor by a stale one."""
    lab.add()
    claim = lab.claim_one()
    follow, stray = lab.record(parent=claim.record.id), lab.record()
    lab.store.settle([Outcome(claim.record.id, claim.token + 9, Ending.COMPLETED, followups=(stray,))])
    for _ in range(2):
        lab.settle(claim, followups=(follow,))
    assert [follow.id] == lab.claimed_ids()
    assert [None] == lab.store.get([stray.id])


def test_history_keeps_its_ends_and_counts_the_rest(lab: Lab) -> None:
    """An endless retry keeps the first 2 and last 62 entries and the number of those dropped."""
    instance_id = lab.add()
    for _ in range(40):
        lab.settle(lab.claim_one("w"), Ending.TERMINATED, retry_after_ms=0)
    (history,) = lab.store.history([instance_id])
    assert history is not None
    assert (64, 2 + 40 * 3 - 64) == (len(history.entries), history.dropped)
    states = [entry.state for entry in history.entries]
    assert [State.CREATED, State.SCHEDULED] == states[:2]
    assert [State.PROCESSING, State.TERMINATED, State.SCHEDULED] == states[-3:]
    assert (20, 40) == (history.entries[2].attempt, history.entries[-1].attempt)


def test_history_and_get_of_one_that_is_not_there_is_none(lab: Lab) -> None:
    """Answers keep the order of the question, None for what is missing."""
    instance_id = lab.add()
    assert [None, True] == [history and history.dropped == 0 for history in lab.store.history(["f" * 32, instance_id])]
    assert [None, instance_id] == [found and found.record.id for found in lab.store.get(["f" * 32, instance_id])]


def test_too_many_followups_are_refused_before_anything_is_done(lab: Lab) -> None:
    """One outcome with more than `MAX_FOLLOWUPS` refuses the whole call; as many as that are taken."""
    lab.add_many(2)
    one, two = lab.claim()
    many = tuple(lab.record() for _ in range(MAX_FOLLOWUPS + 1))
    with pytest.raises(ConfigError, match="17 follow-ups"):
        lab.store.settle([
            Outcome(one.record.id, one.token, Ending.COMPLETED),
            Outcome(two.record.id, two.token, Ending.COMPLETED, followups=many),
        ])  # fmt: skip
    assert 2 == lab.store.count(InstanceFilter(states=frozenset({State.PROCESSING})))
    assert "done" == lab.settle(two, followups=many[:MAX_FOLLOWUPS]).status
    assert MAX_FOLLOWUPS == lab.store.count(InstanceFilter(states=frozenset({State.SCHEDULED})))
