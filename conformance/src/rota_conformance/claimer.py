"""A worker in a process of its own, that takes and settles when it is told to.

`python -m rota_conformance.claimer package.module:Harness URL NAMESPACE WORKER LEASE_MS`: it beats once and says
`"ready"`; at a line on its input it claims all that there is and tells the ids; at the next it settles what it holds as
completed and tells the statuses.
"""

import json
import sys
from typing import Any

from rota.model.clock import SystemClock
from rota.model.records import Claim, Ending, Outcome, WorkerRecord
from rota_conformance.harness import harness_from

__all__ = ["KIND"]

KIND = "shared"
_BATCH = 7


def _tell(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _main(reference: str, url: str, namespace: str, worker: str, lease_ms: str) -> None:
    store = harness_from(url=url or None, reference=reference).open(namespace, SystemClock())
    store.beat(worker, int(lease_ms), WorkerRecord(id=worker))
    _tell("ready")
    sys.stdin.readline()
    held: list[Claim] = []
    seq = 0
    while some := store.claim(worker, seq := seq + 1, [KIND], _BATCH):
        held += some
    _tell([claim.record.id for claim in held])
    sys.stdin.readline()
    answers = store.settle([Outcome(claim.record.id, claim.token, Ending.COMPLETED) for claim in held])
    _tell([answer.status for answer in answers])


if __name__ == "__main__":
    _main(*sys.argv[1:])
