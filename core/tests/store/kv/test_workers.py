"""Workers on an ordered KV: beats, clocks, and what is longer than a key."""

import logging
import os

import pytest
from core.tests.store.kv.failing_queue import Queue, id_of, record
from core.tests.store.kv.memory_kv import Space

from rota.model.errors import ConfigError
from rota.model.records import Ending, LimitRecord, Outcome, WorkerRecord
from rota.testing import FakeClock


def test_a_beat_during_a_claim_does_not_make_it_begin_again() -> None:
    """The key that a claim checks is not the one that beats put."""
    queue = Queue()
    queue.enqueue([record(1)])
    queue.kv.meanwhile, queue.kv.meanwhile_at = lambda: queue.beat("w", 1000, WorkerRecord(id="w")), 3
    before = queue.kv.space.commits
    assert 1 == len(queue.claim("w", 1, ["add"], 1))
    assert 2 == queue.kv.space.commits - before  # the claim's and the beat's


def test_a_retry_meets_a_cancel_that_was_not_delivered() -> None:
    """Between the read and the commit of the settle: the instance ends."""
    queue, other = (Queue(space) for space in [Space()] * 2)
    queue.enqueue([record(1)])
    (held,) = queue.claim("w", 1, ["add"], 1)
    queue.kv.meanwhile, queue.kv.meanwhile_at = lambda: other.cancel([id_of(1)]), 3
    answer = queue.settle([Outcome(held.record.id, held.token, Ending.TERMINATED, retry_after_ms=0)])
    assert "done" == answer[0].status
    assert "CANCELED" == queue.state(1)[0]
    assert [] == queue.keys(b"r")


@pytest.mark.parametrize("length", [64, 65, 66, 300])
def test_no_key_is_longer_than_the_longest(length: int) -> None:
    """Whatever the names are; the KV refuses longer ones. Two that differ at the end alone are two."""
    one, other = "n" * length, "n" * (length - 1) + "m"
    queue = Queue(namespace=one)
    queue.publish(one, LimitRecord(max_running=1, rate_count=1, rate_ms=1000, key="{x}"))
    for worker in (one, other):
        queue.beat(worker, 60_000, WorkerRecord(id=worker))
    names = [(kind, lane, key) for kind in (one, other) for lane in (one, other) for key in (one, other)]
    records = [
        record(at, kind=kind, lane=lane, unique_key=lane + key, expires_after_ms=5)
        for at, (kind, lane, key) in enumerate(names)
    ]
    assert {"added"} == {answer.status for answer in queue.enqueue(records)}
    held = [len(queue.claim(one, seq, [one, other], 10)) for seq in (1, 2)]
    assert 6 == sum(held)  # of the kind without a limit all, of the other one the head of each lane
    assert ["requested"] * 4 == queue.cancel([id_of(at) for at in range(4, 8)])
    assert 4 == len(queue.beat(one, 60_000, WorkerRecord(id=one)).cancels)
    queue.retire(one)
    queue.clock.advance(10_000)
    assert 2 == len(queue.reap())


def test_a_batch_takes_back_in_bounded_steps_what_a_worker_held() -> None:
    """The KV takes 64 operations a commit, the worker held 300."""
    queue = Queue()
    queue.enqueue([record(one) for one in range(300)])
    seq = held = 0
    while held < 300:
        seq += 1
        held += len(queue.claim("w", seq, ["add"], 1000))
    queue.retire("w")
    assert {("SCHEDULED", 4)} == {queue.state(one) for one in range(300)}
    assert [] == queue.keys(b"cgjw")


def test_a_forked_child_is_told_to_connect_itself() -> None:
    """Nothing of it reaches the backend."""
    queue = Queue()
    queue._hub._pid = os.getpid() + 1
    with pytest.raises(ConfigError, match="forked"):
        queue.enqueue([record(1)])


def test_a_clock_set_by_an_hour_reaps_nobody_where_each_has_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """Whose clock is off claims nothing, and says so; the others go on, and the lease goes by their own clocks."""
    space, clock = Space(), FakeClock()
    wrong = FakeClock(clock.now_ms() + 3_600_000)
    queues = [Queue(space, one) for one in (clock, clock, wrong)]
    for queue in queues:
        queue.retire("w")
        queue.kv.clock = "client"
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            for name, queue in zip("abc", queues, strict=True):
                queue.beat(name, 60_000, WorkerRecord(id=name))
    queues[0].enqueue([record(1)])
    assert [] == queues[2].claim("c", 1, ["add"], 1)
    assert ["claims nothing" in line.getMessage() for line in caplog.records] == [True]
    assert [] == queues[0].reap()
    assert [] == queues[2].reap()
    assert 1 == len(queues[0].claim("a", 1, ["add"], 1))
