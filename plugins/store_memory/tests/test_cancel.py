"""Cancelling."""

from plugins.store_memory.tests.lab import Lab

from rota.model.records import BeatReply, TransitionRecord
from rota.model.state import State


def test_queued_is_canceled_where_it_stands(lab: Lab) -> None:
    """Ready and delayed ones end at once, are never handed out, and a repeat says that they have ended."""
    ready, delayed, other = lab.add(), lab.add(delay_ms=1000), lab.add()
    assert ["canceled", "canceled"] == lab.store.cancel([ready, delayed])
    assert ["final", "final"] == lab.store.cancel([ready, delayed])
    lab.clock.advance(2)
    assert [other] == lab.claimed_ids()
    assert TransitionRecord(State.CANCELED, lab.get(ready).ended_ms or 0) == lab.history(ready)[-1]


def test_running_is_asked_and_its_worker_told(lab: Lab) -> None:
    """A running one goes on, marked; each beat lists it until it is settled."""
    one, two = lab.add_many(2)
    first, _ = lab.claim("w")
    assert ["requested", "requested"] == lab.store.cancel([one, one])
    assert (State.PROCESSING, True) == (lab.state(one), lab.get(one).cancel_requested)
    assert [BeatReply(False, (one,))] * 2 == [lab.beat("w"), lab.beat("w")]
    lab.settle(first)
    assert BeatReply(False) == lab.beat("w")
    assert ["requested"] == lab.store.cancel([two])
    assert BeatReply(False, (two,)) == lab.beat("w")


def test_where_spares_other_states(lab: Lab) -> None:
    """`changed` answers what is not in the states asked for any more, `missing` what is not there."""
    queued, running = lab.add(kind="queued"), lab.add()
    lab.claim()
    only_queued = frozenset({State.CREATED, State.SCHEDULED})
    assert ["changed", "canceled", "missing"] == lab.store.cancel([running, queued, "f" * 32], only_queued)
    assert not lab.get(running).cancel_requested


def test_cancel_reaches_a_blocked_beat_at_once(lab: Lab) -> None:
    """A beat that waits returns with the cancel while the clock stands still; the next one waits again."""
    instance_id = lab.add()
    lab.claim("w")
    beat = lab.blocked(lambda: lab.beat("w", wait_ms=5000))
    lab.store.cancel([instance_id])
    assert BeatReply(False, (instance_id,)) == beat.result(5)
    again = lab.blocked(lambda: lab.beat("w", wait_ms=5000))
    lab.clock.advance(5)
    assert BeatReply(False, (instance_id,)) == again.result(5)


def test_unique_key_is_free_after_a_cancel(lab: Lab) -> None:
    """A canceled instance holds its key no more."""
    lab.store.cancel([lab.add(unique_key="k")])
    lab.add(unique_key="k")


def test_most_of_a_backlog_canceled_leaves_the_rest_in_order(lab: Lab) -> None:
    """What many cancels leave behind comes out in ready order, from all orders it stood in."""
    ids = lab.add_many(40, rank=5) + lab.add_many(40, rank=1) + lab.add_many(40, delay_ms=1000)
    spared = ids[3::17]
    assert {"canceled"} == set(lab.store.cancel([one for one in ids if one not in spared]))
    lab.clock.advance(1)
    expected = sorted(spared, key=lambda one: (lab.get(one).record.rank, lab.get(one).due_ms, one))
    assert expected == lab.claimed_ids()
