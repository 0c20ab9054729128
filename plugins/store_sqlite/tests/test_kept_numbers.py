"""The numbers that are kept, so that nothing is counted when somebody asks, are those that counting gives."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rota.model.records import Ending, InstanceRecord, KindDescriptor, LimitRecord, Outcome, WorkerRecord
from rota.testing import FakeClock
from rota_store_sqlite.store import SQLiteStore, open_store

KIND = "k"
WAITING = """
    SELECT kind, lane, sum(place = 3), iif(max(place = 1), 0, sum(place = 3))
    FROM instance WHERE lane IS NOT NULL AND place IN (1, 3) GROUP BY kind, lane ORDER BY lane
"""
COUNTS = """
    SELECT state, count(*) FROM instance GROUP BY state
    UNION ALL SELECT -2, count(*) FROM instance WHERE place = 2 HAVING count(*)
"""


class _Life:
    """A store to which things happen at random: few lanes, few slots, short delays and waits."""

    def __init__(self, store: SQLiteStore, clock: FakeClock, seed: int) -> None:
        self.store, self.clock, self.rng = store, clock, random.Random(seed)
        self.ids: list[str] = []
        self.held: list[tuple[str, int]] = []
        self.seq = 0
        self.limit()
        self.beat()

    def limit(self) -> None:
        """Other limits than before."""
        bound = self.rng.choice([None, 1, 2])
        rate = self.rng.choice([None, 2])
        limits = (LimitRecord(bound, rate, None if rate is None else 1000, "{x}"),) if bound or rate else ()
        self.store.put_kinds([KindDescriptor(kind=KIND, limits=limits)])

    def beat(self) -> None:
        """The worker lives on."""
        self.store.beat("w", 10**9, WorkerRecord(id="w"))

    def enqueue(self) -> None:
        """Some, due at once or later, in a lane or none, that may expire or depend on another."""
        rng = self.rng
        for _ in range(rng.randrange(1, 5)):
            self.ids.append(f"{len(self.ids):032x}")
            parents = (rng.choice(self.ids[:-1]),) if len(self.ids) > 1 and rng.random() < 0.2 else ()
            record = InstanceRecord(
                id=self.ids[-1], kind=KIND, arguments=b"", rank=rng.randrange(3), created_ms=0,
                delay_ms=rng.choice([0, 0, 500, 3000]), lane=rng.choice([None, "a", "b"]), depends_on=parents,
                expires_after_ms=rng.choice([None, None, 2000]),
            )  # fmt: skip
            self.store.enqueue([record])

    def claim(self) -> None:
        """As many as there are, up to three."""
        self.seq += 1
        self.held += [
            (one.record.id, one.token) for one in self.store.claim("w", self.seq, [KIND], self.rng.randrange(4))
        ]

    def settle(self) -> None:
        """One of those held, in any way."""
        if self.held:
            instance_id, token = self.held.pop(self.rng.randrange(len(self.held)))
            ending, retry_ms = self.rng.choice(
                [*((one, None) for one in Ending if one is not Ending.TIMED_OUT), (Ending.TERMINATED, 700)]
            )
            self.store.settle([Outcome(instance_id, token, ending, retry_after_ms=retry_ms)])

    def cancel(self) -> None:
        """One of all."""
        if self.ids:
            self.store.cancel([self.rng.choice(self.ids)])

    def reap(self) -> None:
        """What expired."""
        self.store.reap()

    def wait(self) -> None:
        """Time goes on."""
        self.clock.advance(self.rng.choice([0.1, 1, 2]))


@pytest.mark.parametrize("seed", range(10))
def test_kept_numbers_are_those_that_counting_gives(tmp_path: Path, seed: int) -> None:
    """By state, of the delayed, of each lane, and of what limits hold back, after each of 150 random calls."""
    clock, file = FakeClock(), tmp_path / "jobs.db"
    store = open_store(f"sqlite:///{file}?synchronous=normal", clock=clock)
    store.open()
    with closing(store), closing(sqlite3.connect(file)) as connection:
        life = _Life(store, clock, seed)
        does = [life.enqueue, life.claim, life.settle, life.cancel, life.reap, life.wait, life.limit]
        for _ in range(150):
            life.rng.choices(does, weights=[6, 5, 5, 2, 1, 3, 0.3])[0]()
            _compare(connection, store)


def _compare(connection: sqlite3.Connection, store: SQLiteStore) -> None:
    lanes = connection.execute(WAITING).fetchall()
    kept = connection.execute("SELECT kind, name, waiting, held FROM lane ORDER BY name").fetchall()
    names = {name for _, name, *_ in lanes}
    assert lanes == [row for row in kept if row[1] in names]
    assert not any(waiting or held for _, name, waiting, held in kept if name not in names)
    counted = dict(connection.execute(COUNTS).fetchall())
    found = dict(connection.execute("SELECT state, number FROM counter WHERE number <> 0").fetchall())
    held = sum(row[3] for row in lanes)
    assert counted | ({-1: held} if held else {}) == found
    assert [held] * len(store.stats()) == [one.held_back for one in store.stats()]
