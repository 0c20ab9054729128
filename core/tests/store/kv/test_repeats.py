"""A commit that fails, or whose reply is lost, at each commit of each operation: repeated, it has the effect of one."""

from collections.abc import Callable

import pytest
from core.tests.store.kv.failing_queue import Queue, id_of, record

from rota.model.errors import StoreUnavailable
from rota.model.records import Ending, LimitRecord, Outcome, WorkerRecord
from rota.store.histories import STATES
from rota.store.kv.entry import decode

Operation = Callable[[Queue], object]


def _outcomes(queue: Queue, ending: Ending, retry_after_ms: int | None = None, followups: int = 0) -> list[Outcome]:
    held = queue.claim("w", 1, ["add"], 4)
    more = tuple(record(500 + one) for one in range(followups))
    return [
        Outcome(one.record.id, one.token, ending, retry_after_ms=retry_after_ms, followups=more if at == 0 else ())
        for at, one in enumerate(held)
    ]


def _fill(queue: Queue) -> None:
    queue.publish("add", LimitRecord(max_running=9), LimitRecord(max_running=1, rate_count=3, rate_ms=1000, key="{x}"))
    queue.enqueue([record(one, lane="abc"[one % 3]) for one in range(12)])
    queue.enqueue([record(20 + one, one) for one in range(6)])
    queue.enqueue([record(30, *range(3), kind="sub", unique_key="k"), record(31, delay_ms=5)])
    queue.clock.advance(10)
    queue.claim("w", 1, ["add"], 4)


_OPERATIONS: dict[str, Operation] = {
    "enqueue": lambda queue: queue.enqueue(
        [record(100 + one, lane="ab"[one % 2], unique_key=f"{one}") for one in range(30)]
    ),
    "enqueue_dependent": lambda queue: queue.enqueue([record(100, *range(12)), record(101, 100)]),
    "claim": lambda queue: queue.claim("w", 2, ["add", "sub"], 10),
    "settle": lambda queue: queue.settle(_outcomes(queue, Ending.COMPLETED, followups=16)),
    "retry": lambda queue: queue.settle(_outcomes(queue, Ending.TERMINATED, 0)),
    "fail": lambda queue: queue.settle(_outcomes(queue, Ending.TERMINATED)),
    "crash": lambda queue: queue.settle(_outcomes(queue, Ending.CRASHED)),
    "cancel": lambda queue: queue.cancel([id_of(one) for one in (*range(12), 20, 30)]),
    "retire": lambda queue: queue.retire("w"),
    "reap": lambda queue: (queue.clock.advance(70_000 * (queue.clock.monotonic() < 60)), queue.reap()),
    "pause": lambda queue: (queue.pause(["add"]), queue.resume(["add"])),
    "beat": lambda queue: queue.beat("w", 60_000, WorkerRecord(id="w", concurrency=2)),
}  # fmt: skip


def _standing(queue: Queue) -> object:
    """All that must not depend on what was repeated: no revisions, no shards."""
    queue.reap()
    found = {}
    for key in queue.keys(b"i"):
        entry = decode.entry(queue.kv.space.values[key][0])
        found[entry.record.id] = entry.state, entry.entries, entry.attempt, entry.crashes
    lanes = [decode.lane(queue.kv.space.values[key][0]) for key in queue.keys(b"n")]
    counted = [(one.name, one.running, one.waiting, one.head, one.tat_us) for one in lanes]
    return found, queue.numbers(), counted, queue.keys(b"kqspxfueGhdgraRW")


@pytest.mark.parametrize("name", _OPERATIONS)
def test_operation_repeated_after_a_fault_has_the_effect_of_one(name: str) -> None:
    """The numbers per state are those of the instances, too."""
    plain = Queue()
    _fill(plain)
    _OPERATIONS[name](plain)
    expected = _standing(plain)
    for done in (False, True):
        for at in range(1, 60):
            queue = Queue()
            _fill(queue)
            queue.kv.fail_at, queue.kv.done = at, done
            try:
                _OPERATIONS[name](queue)
                break
            except StoreUnavailable:
                _OPERATIONS[name](queue)
            assert expected == _standing(queue), (at, done)
            _check_numbers(queue)
        else:
            raise AssertionError("it never ended without a fault")


def _check_numbers(queue: Queue) -> None:
    counted: dict[str, list[int]] = {}
    for key in queue.keys(b"i"):
        entry = decode.entry(queue.kv.space.values[key][0])
        counted.setdefault(entry.record.kind, [0] * len(STATES))[entry.state] += 1
    assert counted == {kind: numbers[:-1] for kind, numbers in queue.numbers().items()}
