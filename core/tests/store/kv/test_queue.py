"""The queue on an ordered KV: the life of a job, and its round trips."""

from core.tests.store.kv.memory_kv import MemoryKV, Space
from msgspec.structs import replace

from rota.model.records import Ending, InstanceRecord, KindDescriptor, LimitRecord, Outcome, WorkerRecord
from rota.model.state import State
from rota.store.kv.hub import Hub
from rota.store.kv.queue_operations import QueueOperations
from rota.testing import FakeClock


def _queue(space: Space) -> QueueOperations:
    clock = FakeClock()
    return QueueOperations(Hub(MemoryKV(space, clock)), "test", clock)


def _records(number: int, rank: int = 5, lane: str | None = None) -> list[InstanceRecord]:
    return [
        InstanceRecord(id=f"{n:032x}", kind="add", arguments=b"[]", rank=rank, created_ms=0, lane=lane)
        for n in range(number)
    ]


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
    """Of enqueue, claim and settle; with lanes, too."""
    for number, lane in ((1, None), (100, None), (1, "a"), (100, "a")):
        space = Space()
        queue = _queue(space)
        queue.beat("w", 1000, WorkerRecord(id="w"))
        trips = _Trips(space)
        queue.enqueue(_records(number, lane=lane))
        assert 2 >= trips()
        held = queue.claim("w", 1, ["add"], number)
        assert number == len(held)
        assert 4 >= trips()
        queue.settle([Outcome(one.record.id, one.token, Ending.COMPLETED) for one in held])
        assert 3 >= trips()


class _Trips:
    """Counts the round trips since it was asked before."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._before = 0
        self()

    def __call__(self) -> int:
        now = self._space.reads + self._space.commits
        spent, self._before = now - self._before, now
        return spent


def test_work_of_a_claim_does_not_grow_with_what_waits() -> None:
    """Neither with what is ready, nor with 10,000 held back in a lane at its bound."""
    spent = []
    for ready, held_back in ((100, 0), (20_000, 0), (100, 10_000)):
        space = Space()
        queue = _queue(space)
        queue.beat("w", 1000, WorkerRecord(id="w"))
        limits = (LimitRecord(max_running=1, key="{x}"),)
        queue._change(lambda step: step.put_kind("add", KindDescriptor(kind="add", limits=limits), False))  # noqa: B023
        queue.enqueue(_records(held_back, rank=1, lane="a"))
        queue.claim("w", 1, ["add"], min(1, held_back))
        queue.enqueue([replace(one, id=f"f{n:031x}") for n, one in enumerate(_records(ready))])
        before = space.operations
        assert 10 == len(queue.claim("w", 2, ["add"], 10))
        spent.append(space.operations - before)
    assert max(spent) <= min(spent) + 2
