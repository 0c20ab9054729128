"""What the store contract costs an ordered key-value backend: keys and round trips a job, counted, not timed.

    python benchmarks/kv.py [--runs 1] [--jobs 100] [--only PROBE] [--json]

One worker and one kind without limits, on the ordered KV in memory of the tests, which counts what it is asked: keys
and ranges read, keys put and deleted; a read and a commit are a round trip each. `batch` moves `--jobs` jobs a call,
`single` one.
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path

from measuring import Figure, main

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # this folder has a core.py

from core.tests.store.kv.memory_kv import MemoryKV, Space  # noqa: E402 - below the root

from rota.model.clock import SystemClock  # noqa: E402
from rota.model.ids import IdSource  # noqa: E402
from rota.model.records import Claim, Ending, InstanceRecord, Outcome, WorkerRecord  # noqa: E402
from rota.store.kv import KVStore  # noqa: E402

_OPERATIONS = ("enqueue", "claim", "settle")
FIGURES = {
    f"{size}_{operation}_{what}": Figure(f"{operation}, {text}: {unit}", unit)
    for size, text in (("single", "one a call"), ("batch", "many a call"))
    for operation in _OPERATIONS
    for what, unit in (("keys", "keys a job"), ("trips", "round trips a call"))
}


def _probe(name: str, jobs: int) -> dict[str, float]:
    space, clock = Space(), SystemClock()
    store = KVStore(MemoryKV(space, clock), namespace="bench", clock=clock, name="the KV in memory")
    ids = IdSource(clock, random.Random())
    records = [
        InstanceRecord(id=ids.one(), kind="add", arguments=b"[1,2]", rank=5, created_ms=clock.now_ms())
        for _ in range(jobs)
    ]
    store.beat("w", 60_000, WorkerRecord(id="w"))
    held: list[Claim] = []
    steps: dict[str, Callable[[], object]] = {
        "enqueue": lambda: store.enqueue(records),
        "claim": lambda: held.extend(store.claim("w", 1, ["add"], jobs)),
        "settle": lambda: store.settle([Outcome(one.record.id, one.token, Ending.COMPLETED) for one in held]),
    }
    found: dict[str, float] = {}
    for operation, run in steps.items():
        keys, trips = space.operations, space.reads + space.commits
        run()
        found[f"{name}_{operation}_keys"] = (space.operations - keys) / jobs
        found[f"{name}_{operation}_trips"] = space.reads + space.commits - trips
    assert len(held) == jobs
    return found


PROBES = {"single": lambda _: _probe("single", 1), "batch": lambda jobs: _probe("batch", jobs)}

if __name__ == "__main__":
    main(__doc__ or "", __file__, FIGURES, PROBES, 100)
