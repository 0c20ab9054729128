"""Many threads at one store, on the machine's own clock."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

from rota.model.clock import SystemClock
from rota.model.ids import IdSource
from rota.model.query import InstanceFilter, PurgeFilter
from rota.model.records import Ending, InstanceRecord, Outcome, WorkerRecord
from rota.model.state import MOVES, State
from rota_store_memory.store import MemoryStore, open_store

_THREADS = 8
_JOBS = 5000


def _records(number: int) -> list[InstanceRecord]:
    ids = IdSource(SystemClock(), random.Random(3)).many(number)
    return [
        InstanceRecord(id=one, kind=f"k{n % 3}", arguments=b"[]", rank=n % 5, created_ms=0, max_crashes=10**6)
        for n, one in enumerate(ids)
    ]


def _work(store: MemoryStore, worker: str, barrier: Barrier) -> list[tuple[str, int]]:
    """Claim until nothing comes for a while; end most, send some back, let some be taken away. (id, token) each."""
    store.beat(worker, 60_000, WorkerRecord(id=worker))
    rng, held, seq = random.Random(worker), [], 0
    barrier.wait()
    while True:
        seq += 1
        claims = store.claim(worker, seq, ["k0", "k1", "k2"], rng.randint(1, 40), 300)
        if not claims:
            return held
        held += [(claim.record.id, claim.token) for claim in claims]
        endings = [rng.choice([Ending.COMPLETED] * 9 + [Ending.RELEASED]) for _ in claims]
        outcomes = [Outcome(c.record.id, c.token, ending) for c, ending in zip(claims, endings, strict=True)]
        assert {"done"} == {answer.status for answer in store.settle(outcomes)}


def test_eight_threads_hand_out_every_job_to_one_at_a_time() -> None:
    """Whatever the interleaving: no (id, token) twice, every job completed once, every history a legal path."""
    store = open_store("memory://", clock=SystemClock())
    records, barrier = _records(_JOBS), Barrier(_THREADS + 1)
    with ThreadPoolExecutor(_THREADS) as pool:
        workers = [pool.submit(_work, store, f"w{n}", barrier) for n in range(_THREADS)]
        barrier.wait()
        for start in range(0, _JOBS, 250):
            store.enqueue(records[start : start + 250])
        held = [one for worker in workers for one in worker.result(60)]
    assert 1 == max(Counter(held).values())
    assert {record.id for record in records} == {instance_id for instance_id, _ in held}
    assert _JOBS == store.count(InstanceFilter(states=frozenset({State.COMPLETED})))
    for history in store.history([record.id for record in records]):
        assert history is not None
        path = [None, *(entry.state for entry in history.entries)]
        assert all(after in MOVES[before] for before, after in pairwise(path))
    while store.purge(PurgeFilter()):
        pass
    assert [] == store.stats()
