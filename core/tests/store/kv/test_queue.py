"""The queue on an ordered KV: the life of a job, and its round trips."""

from core.tests.store.kv.memory_kv import MemoryKV, Space

from rota.model.records import Ending, InstanceRecord, Outcome, WorkerRecord
from rota.model.state import State
from rota.store.kv.hub import Hub
from rota.store.kv.queue_operations import QueueOperations
from rota.testing import FakeClock


def _queue(space: Space) -> QueueOperations:
    clock = FakeClock()
    return QueueOperations(Hub(MemoryKV(space, clock)), "test", clock)


def _records(number: int, rank: int = 5) -> list[InstanceRecord]:
    return [InstanceRecord(id=f"{n:032x}", kind="add", arguments=b"[]", rank=rank, created_ms=0) for n in range(number)]


def test_job_is_claimed_once_and_settled_once() -> None:
    """A repeated claim answers the same, a repeated settle `already`, another token is lost."""
    queue = _queue(Space())
    queue.beat("w", 1000, WorkerRecord(id="w"))
    assert ["added"] * 3 == [one.status for one in queue.enqueue(_records(3))]
    assert ["exists"] * 3 == [one.status for one in queue.enqueue(_records(3))]
    held = queue.claim("w", 1, ["add"], 2)
    assert 2 == len(held)
    assert held == queue.claim("w", 1, ["add"], 2)
    outcomes = [Outcome(one.record.id, one.token, Ending.COMPLETED) for one in held]
    assert ["done", "done"] == [one.status for one in queue.settle(outcomes)]
    assert ["already", "already"] == [one.status for one in queue.settle(outcomes)]
    assert held == queue.claim("w", 1, ["add"], 2)
    assert ["final", "canceled"] == queue.cancel([held[0].record.id, f"{2:032x}"])
    assert [] == queue.claim("w", 2, ["add"], 2)


def test_what_a_retired_worker_held_is_claimed_by_another() -> None:
    """Released, with a higher token; the first holder's settle is lost."""
    queue = _queue(Space())
    queue.beat("one", 1000, WorkerRecord(id="one"))
    queue.beat("two", 1000, WorkerRecord(id="two"))
    queue.enqueue(_records(1))
    (first,) = queue.claim("one", 1, ["add"], 1)
    queue.retire("one")
    (second,) = queue.claim("two", 1, ["add"], 1)
    assert first.token < second.token
    (late,) = queue.settle([Outcome(first.record.id, first.token, Ending.COMPLETED)])
    assert ("lost", State.PROCESSING) == (late.status, late.state)


def test_round_trips_of_a_batch_do_not_grow_with_it() -> None:
    """Of enqueue, claim and settle."""
    for number in (1, 100):
        space = Space()
        queue = _queue(space)
        queue.beat("w", 1000, WorkerRecord(id="w"))
        spent = []
        held = []
        for step in ("enqueue", "claim", "settle"):
            before = space.reads + space.commits, space.operations
            if step == "enqueue":
                queue.enqueue(_records(number))
            elif step == "claim":
                held = queue.claim("w", 1, ["add"], number)
                assert number == len(held)
            else:
                queue.settle([Outcome(one.record.id, one.token, Ending.COMPLETED) for one in held])
            spent.append((space.reads + space.commits - before[0], (space.operations - before[1]) / number))
        print(number, spent)
        assert all(trips <= 12 for trips, _ in spent)
