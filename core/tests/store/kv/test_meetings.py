"""Clients that come between each other's round trips, and lose replies, at random: what must hold always holds."""

from random import Random

import pytest
from core.tests.store.kv.failing_queue import Queue, id_of, record
from core.tests.store.kv.memory_kv import Space

from rota.model.errors import StoreUnavailable
from rota.model.records import Claim, Ending, LimitRecord, Outcome, WorkerRecord
from rota.store.histories import STATES
from rota.store.kv.entry import decode
from rota.testing import FakeClock

_ENDINGS = [Ending.COMPLETED, Ending.COMPLETED, Ending.TERMINATED, Ending.RELEASED, Ending.CRASHED]


class _Client:
    """One worker that does anything at all."""

    def __init__(self, name: str, queue: Queue, random: Random) -> None:
        self.name = name
        self.queue = queue
        self.random = random
        self.seq = 0
        self.held: dict[str, Claim] = {}
        self.others: list[_Client] = []
        self.busy = False
        self.added: list[int] = []
        self.tokens: dict[tuple[str, str], int] = {}
        queue.beat(name, 600_000, WorkerRecord(id=name))

    def act(self) -> None:
        """One operation, repeated until it answers; others come between its round trips."""
        if self.busy:
            return
        self.busy = True
        operation = self.random.choice(
            [self._enqueue, self._claim, self._claim, self._settle, self._settle, self._cancel]
        )
        self.queue.kv.meanwhile = lambda: self.random.choice(self.others).act()
        plan = operation()
        while True:
            self.queue.kv.meanwhile_at = self.random.randint(0, 6)
            self.queue.kv.fail_at, self.queue.kv.done = self.random.randint(-9, 4), self.random.random() < 0.5
            try:
                plan()
                break
            except StoreUnavailable:
                continue
        self.queue.kv.meanwhile_at = self.queue.kv.fail_at = 0
        self.busy = False

    def _enqueue(self):  # type: ignore[no-untyped-def]
        records = []
        for _ in range(self.random.randint(1, 8)):
            number = self.random.randrange(10**9)
            parents = self.random.sample(self.added, min(len(self.added), self.random.choice([0, 0, 1, 3])))
            kind, lane = self.random.choice([("add", "a"), ("add", "b"), ("add", None), ("sub", None)])
            failure = self.random.choice(["cancel", "run"])
            records.append(record(number, *parents, kind=kind, lane=lane, failure=failure, max_crashes=2))
            self.added.append(number)
        return lambda: self.queue.enqueue(records)

    def _claim(self):  # type: ignore[no-untyped-def]
        self.seq += 1
        limit = self.random.randint(1, 6)

        def plan() -> None:
            for one in self.queue.claim(self.name, self.seq, ["add", "sub"], limit):
                assert all(one.token > self.tokens.get((one.record.id, other.name), 0) for other in self.others)
                self.tokens[one.record.id, self.name] = one.token
                self.held[one.record.id] = one

        return plan

    def _settle(self):  # type: ignore[no-untyped-def]
        outcomes = []
        for one in list(self.held.values()):
            followups = tuple(
                record(self.random.randrange(10**9), kind="sub") for _ in range(self.random.choice([0, 0, 16]))
            )
            ending = self.random.choice(_ENDINGS)
            outcomes.append(Outcome(one.record.id, one.token, ending, followups=followups))

        def plan() -> None:
            self.queue.settle(outcomes)
            self.held.clear()

        return plan

    def _cancel(self):  # type: ignore[no-untyped-def]
        ids = [id_of(number) for number in self.random.sample(self.added, min(2, len(self.added)))]
        return lambda: self.queue.cancel(ids)


@pytest.mark.parametrize("seed", range(12))
def test_clients_that_meet_leave_everything_in_order(seed: int) -> None:
    """No instance has two holders; bounds hold; numbers are those of the instances; in the end nothing is left."""
    random, space, clock = Random(seed), Space(), FakeClock()
    clients = [_Client(name, Queue(space, clock), random) for name in ("x", "y", "z")]
    tokens: dict[tuple[str, str], int] = {}
    for one in clients:
        one.others = [other for other in clients if other is not one]
        one.tokens = tokens
    queue = clients[0].queue
    queue.publish("add", LimitRecord(max_running=6), LimitRecord(max_running=2, key="{x}"))
    for _ in range(120):
        random.choice(clients).act()
        _check(queue)
    while queue.keys(b"R"):
        queue.reap()
    for _ in range(1000):
        for one in clients:
            one._claim()()
            outcomes = [Outcome(held.record.id, held.token, Ending.COMPLETED) for held in one.held.values()]
            one.queue.settle(outcomes)
            one.held.clear()
        if not queue.keys(b"qp"):
            break
    while queue.keys(b"R"):
        queue.reap()
    _check(queue)
    assert [] == queue.keys(b"qspnehGRWtr")
    assert all(sum(numbers[:3]) == 0 for numbers in queue.numbers().values())


def _check(queue: Queue) -> None:
    counted: dict[str, list[int]] = {}
    running: dict[str | None, int] = {}
    for key in queue.keys(b"i"):
        entry = decode.entry(queue.kv.space.values[key][0])
        counted.setdefault(entry.record.kind, [0] * len(STATES))[entry.state] += 1
        if STATES[entry.state].name == "PROCESSING" and entry.record.kind == "add":
            running[entry.record.lane] = running.get(entry.record.lane, 0) + 1
    assert counted == {kind: numbers[:-1] for kind, numbers in queue.numbers().items()}
    assert all(running.get(lane, 0) <= 2 for lane in "ab")
    assert sum(running.values()) <= 6
    lanes = [decode.lane(queue.kv.space.values[key][0]) for key in queue.keys(b"n")]
    assert {lane.name: lane.running for lane in lanes if lane.running} == {
        lane: number for lane, number in running.items() if lane is not None
    }
