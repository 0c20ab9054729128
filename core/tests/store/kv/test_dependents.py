"""Dependents on an ordered KV with the smallest bounds: released once, in bounded steps that survive a crash."""

from functools import partial
from itertools import count

import pytest
from core.tests.store.kv.failing_queue import Queue, id_of, record
from core.tests.store.kv.memory_kv import Space

from rota.model.errors import StoreUnavailable
from rota.model.records import Ending, Outcome


def _claim(queue: Queue, seq: int, limit: int = 1) -> list[Outcome]:
    held = queue.claim("w", seq, ["add"], limit)
    return [Outcome(one.record.id, one.token, Ending.COMPLETED) for one in held]


def test_two_parents_that_end_at_once_release_once() -> None:
    """Whatever of one the other comes between: before each of its round trips in turn."""
    for moment in range(1, 12):
        space = Space()
        one, other = Queue(space), Queue(space)
        one.enqueue([record(1), record(2), record(3, 1, 2)])
        first, second = _claim(one, 1, 2)
        one.kv.meanwhile = partial(other.settle, [second])
        one.kv.meanwhile_at = moment
        assert "done" == one.settle([first])[0].status
        assert one.kv.meanwhile_at > 0 or "already" == other.settle([second])[0].status
        other.settle([second])
        assert ("SCHEDULED", 2) == one.state(3)
        assert [id_of(3)] == [claim.record.id for claim in one.claim("w", 2, ["add"], 5)]


@pytest.mark.parametrize("ending", [Ending.COMPLETED, Ending.TERMINATED])
def test_a_thousand_dependents_are_told_in_steps_that_survive_a_crash(ending: Ending) -> None:
    """The step is cut off again and again; `reap` goes on, and each is told once."""
    queue = Queue()
    number = 1000
    queue.enqueue([record(0)])
    queue.enqueue([record(one, 0, kind="sub") for one in range(1, number + 1)])
    (outcome,) = _claim(queue, 1)
    queue.kv.fail_at = 2
    with pytest.raises(StoreUnavailable):
        queue.settle([Outcome(outcome.id, outcome.token, ending)])
    for at in (3, 40, 80):
        queue.kv.fail_at, queue.kv.done = at, at == 40
        with pytest.raises(StoreUnavailable):
            queue.reap()
    while _left(queue):
        queue.reap()
    expected = ("SCHEDULED", 2) if ending is Ending.COMPLETED else _CANCELED
    assert {expected} == {queue.state(one) for one in range(1, number + 1)}


_CANCELED = ("CANCELED", 2)


def _left(queue: Queue) -> list[bytes]:
    prefix = queue._keys.of(b"R")
    return [key for key in queue.kv.space.values if key.startswith(prefix)]


def test_one_with_a_thousand_parents_is_bound_in_steps() -> None:
    """And is released with the last of them; nothing of it is left over once all is over."""
    queue = Queue()
    parents = range(1, 1001)
    queue.enqueue([record(one) for one in parents])
    assert "added" == queue.enqueue([record(2000, *parents)])[0].status
    assert ("CREATED", 1) == queue.state(2000)
    seq = count(1)
    for _ in range(200):
        queue.settle(_claim(queue, next(seq), 100))
        if queue.state(2000)[0] == "SCHEDULED":
            break
    assert ("SCHEDULED", 2) == queue.state(2000)
    queue.settle(_claim(queue, next(seq), 100))
    assert [] == [key for key in queue.kv.space.values if key[len(queue._keys.all) :][:1] in b"RGehW"]


def test_a_chain_of_cancels_is_as_long_as_it_is() -> None:
    """Each link ends with the one before."""
    queue = Queue()
    queue.enqueue([record(0)])
    for one in range(1, 300):
        queue.enqueue([record(one, one - 1)])
    assert ["canceled"] == queue.cancel([id_of(0)])
    assert {_CANCELED} == {queue.state(one) for one in range(1, 300)}


def test_unknown_parents_are_refused_and_failed_ones_cancel_at_once() -> None:
    """Unless the dependent runs whatever becomes of them."""
    queue = Queue()
    assert "refused" == queue.enqueue([record(1, 77)])[0].status
    queue.enqueue([record(2)])
    queue.cancel([id_of(2)])
    answers = queue.enqueue([record(3, 2), record(4, 2, failure="run")])
    assert ["CANCELED", "SCHEDULED"] == [answer.state.name for answer in answers]


def test_sixteen_followups_come_whatever_a_commit_carries() -> None:
    """Also when the steps after the settle are cut off: the repeated settle goes on."""
    queue = Queue()
    queue.enqueue([record(0)])
    (outcome,) = _claim(queue, 1)
    followups = tuple(record(one) for one in range(100, 116))
    outcome = Outcome(outcome.id, outcome.token, Ending.COMPLETED, followups=followups)
    queue.kv.fail_at = 2
    with pytest.raises(StoreUnavailable):
        queue.settle([outcome])
    assert "already" == queue.settle([outcome])[0].status
    assert {("SCHEDULED", 2)} == {queue.state(one) for one in range(100, 116)}
    assert [] == _left(queue)
