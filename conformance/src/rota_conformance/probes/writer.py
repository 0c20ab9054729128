"""`python -m rota_conformance.probes.writer HARNESS URL NAMESPACE`: writes until it is killed, and tells
what was answered.

Each line is a round: the ids that the store has answered for, as JSON, by what became of them.
"""

import json
import random
import sys
from collections.abc import Iterator
from itertools import count

from rota.model.clock import SystemClock
from rota.model.ids import IdSource
from rota.model.records import Document, Ending, InstanceRecord, Outcome, WorkerRecord
from rota.store.contract import Store
from rota_conformance.harness import harness_from

__all__ = ["KIND", "lives"]

KIND = "written"
_LEASE_MS = 600_000


def lives(store: Store, ids: IdSource) -> Iterator[dict[str, str]]:
    """Three instances a round, by what became of them: queued, running and completed. A document says which round."""
    worker = ids.one()
    store.beat(worker, _LEASE_MS, WorkerRecord(id=worker))
    version = 0
    for seq in count(1):
        records = [
            InstanceRecord(id=ids.one(), kind=KIND, arguments=b"%d" % seq, rank=rank, created_ms=1, due_ms=rank)
            for rank in (-2, -1, seq)
        ]
        store.enqueue(records)
        completed, running = store.claim(worker, seq, [KIND], 2)
        store.settle([Outcome(completed.record.id, completed.token, Ending.COMPLETED, result=b"%d" % seq)])
        saved = store.save([Document("round", b"%d" % seq, version)])
        version = saved[0] if saved else version
        yield {
            "completed": completed.record.id, "running": running.record.id, "queued": records[2].id, "round": str(seq),
        }  # fmt: skip


def _main(reference: str, url: str, namespace: str) -> None:
    clock = SystemClock()
    store = harness_from(url=url or None, reference=reference).open(namespace, clock)
    for told in lives(store, IdSource(clock, random.Random())):
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
