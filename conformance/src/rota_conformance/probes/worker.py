"""`python -m rota_conformance.probes.worker HARNESS URL NAMESPACE WORKER`: does what the lines of its input say.

A line is JSON, `[operation, options]`, and so is each answer.
"""

import json
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from rota.model.clock import SystemClock
from rota.model.errors import LeaseLost
from rota.model.records import Claim, Ending, Outcome, WorkerRecord
from rota.store.contract import Store
from rota_conformance.harness import harness_from

__all__: list[str] = []


class _Worker:
    """One worker on the store; it remembers what it was handed."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name
        self._seqs = count(1)
        self._held: list[Claim] = []

    def beat(self, lease_ms: int) -> bool:
        """Renew the lease; whether it is lost."""
        return self._store.beat(self._name, lease_ms, WorkerRecord(id=self._name)).lost

    def claim(self, kind: str, limit: int) -> list[Any]:
        """A claim: id and token of each, or the name of the error alone."""
        try:
            claims = self._store.claim(self._name, next(self._seqs), [kind], limit)
        except LeaseLost as error:
            return [type(error).__name__]
        self._held += claims
        return [[claim.record.id, claim.token] for claim in claims]

    def drain(self, kind: str, limit: int) -> list[Any]:
        """Claim until nothing is due; all of it."""
        found: list[Any] = []
        while some := self.claim(kind, limit):
            found += some
        return found

    def settle(self) -> list[str]:
        """Complete all that was handed out; the answers."""
        outcomes = [Outcome(one.record.id, one.token, Ending.COMPLETED, b"late") for one in self._held]
        return [answer.status for answer in self._store.settle(outcomes)]


def _main(reference: str, url: str, namespace: str, name: str) -> None:
    harness = harness_from(url=url, reference=reference)
    store = harness.open(namespace, SystemClock())
    worker = _Worker(store, name)
    operations: dict[str, Callable[..., Any]] = {
        "beat": worker.beat, "claim": worker.claim, "drain": worker.drain, "settle": worker.settle,
    }  # fmt: skip
    for line in sys.stdin:
        operation, options = json.loads(line)
        sys.stdout.write(json.dumps(operations[operation](**options)) + "\n")
        sys.stdout.flush()
    store.close()
    harness.close()


if __name__ == "__main__":
    _main(*sys.argv[1:])
