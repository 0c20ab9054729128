"""The rules of the state machine that do one thing each, in any order; see `machine`."""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from rota.model.query import InstanceFilter, PurgeFilter
from rota.model.records import ErrorRecord, LimitRecord
from rota.model.state import State
from rota_conformance.harness import StoreHarness
from rota_conformance.twins import Held, Twins

__all__ = ["ENDINGS", "WHERE", "LooseRules", "a_client"]

_KINDS: Final = ("a", "b")
_LIMITED: Final = ("laned", "gated", "rated")
ENDINGS: Final = ("completed", "terminated", "canceled", "timed_out", "crashed", "released")
WHERE: Final = {
    "any": None,
    "queued": frozenset({State.CREATED, State.SCHEDULED}),
    "running": frozenset({State.PROCESSING}),
}
a_client = st.integers(0, 1)
_worker = st.integers(0, 2)
_few = st.integers(0, 3)


class LooseRules(RuleBasedStateMachine):
    """What two clients may do, whatever comes to mind. A subclass from `machine_for` has a harness."""

    harness: ClassVar[StoreHarness]
    seed: ClassVar[int] = 0
    situations: ClassVar["Counter[str]"] = Counter()

    ids: Any = Bundle("ids")
    claims: Any = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.twins = Twins(self.harness, self.seed, self.situations)
        self._rank = 0

    @initialize()
    def publish_limits(self) -> None:
        """Limit kinds of their own, where the store can."""
        twins = self.twins
        if twins.lab.has("limits"):
            twins.limit("laned", LimitRecord(max_running=1, key="{lane}"))
            twins.limit("gated", LimitRecord(max_running=2))
        if twins.lab.has("rate"):
            twins.limit("rated", LimitRecord(rate_count=2, rate_ms=4 * twins.unit_ms))

    @invariant()
    def agree(self) -> None:
        """What was spoken of is told alike."""
        self.twins.compare_touched()

    def teardown(self) -> None:
        """All that there is is told alike; then let go."""
        try:
            if sys.exc_info()[0] is None:  # a history that failed has said what it had to say
                self.twins.compare_all()
        finally:
            self.twins.close()

    @rule(
        target=ids, kind=st.sampled_from(_KINDS), rank=_few, delay=st.sampled_from((0, 0, 1, 2)),
        expires=st.sampled_from((None, None, 1, 3)), key=st.sampled_from((None, None, "x", "y")), crashes=_few,
        client=a_client,
    )  # fmt: skip
    def enqueue(
        self, kind: str, rank: int, delay: int, expires: int | None, key: str | None, crashes: int, client: int
    ) -> Any:
        """Ask for one."""
        unit_ms = self.twins.unit_ms
        record = self.twins.lab.record(
            kind=kind, rank=rank, delay_ms=delay * unit_ms, unique_key=key, max_crashes=crashes,
            expires_after_ms=None if expires is None else expires * unit_ms,
        )  # fmt: skip
        (answer,) = self.twins.enqueue([record], client)
        self.twins.met(*(["duplicate key"] if answer.status == "duplicate" else []))
        return multiple(*([record.id] if answer.status == "added" else []))

    @rule(target=ids, number=st.integers(2, 6), rank=_few, client=a_client)
    def enqueue_many(self, number: int, rank: int, client: int) -> Any:
        """Ask for several at once, of both kinds."""
        records = [self.twins.lab.record(kind=_KINDS[n % 2], rank=rank) for n in range(number)]
        self.twins.enqueue(records, client)
        return multiple(*(record.id for record in records))

    @rule(instance=ids, client=a_client)
    def enqueue_again(self, instance: str, client: int) -> None:
        """The same record once more."""
        (snapshot,) = self.twins.model.get([instance])
        if snapshot is not None:
            self.twins.enqueue([snapshot.record], client)
            self.twins.met("same id again")

    @rule(
        target=claims, worker=_worker, kinds=st.sampled_from((("a",), ("b",), _KINDS, (*_KINDS, *_LIMITED))),
        limit=st.integers(0, 5), client=a_client,
    )  # fmt: skip
    def claim(self, worker: int, kinds: Sequence[str], limit: int, client: int) -> Any:
        """A new claim."""
        return multiple(*self.twins.claim(self.twins.worker(worker), kinds, limit, client))

    @rule(worker=_worker, client=a_client)
    def replay(self, worker: int, client: int) -> None:
        """The last claim again, also by the other client."""
        self.twins.replay(self.twins.worker(worker), client)

    @rule(held=claims, ending=st.sampled_from(ENDINGS), client=a_client)
    def settle(self, held: Held, ending: str, client: int) -> None:
        """End an attempt, or try to."""
        self.twins.settle(held, ending, client, result=b"done" if ending == "completed" else None)

    @rule(held=claims, ending=st.sampled_from(("terminated", "timed_out")), after=st.integers(0, 2), client=a_client)
    def settle_for_a_retry(self, held: Held, ending: str, after: int, client: int) -> None:
        """Fail, and go back to the queue."""
        error = ErrorRecord("failed", "ValueError", "no")
        answer = self.twins.settle(held, ending, client, retry_after_ms=after * self.twins.unit_ms, error=error)
        self.twins.met(*(["retried"] if answer.status == "done" else []))

    @rule(target=ids, held=claims, kind=st.sampled_from(_KINDS))
    def settle_with_a_follow_up(self, held: Held, kind: str) -> Any:
        """Complete, and add another."""
        record = self.twins.lab.record(kind=kind)
        answer = self.twins.settle(held, "completed", followups=(record,))
        return multiple(*([record.id] if answer.status == "done" else []))

    @rule(held=claims, n=st.integers(1, 3), progress=st.sampled_from((None, 0.25, 0.5)))
    def log(self, held: Held, n: int, progress: float | None) -> None:
        """Tell something of an attempt."""
        self.twins.log(held, n, progress)

    @rule(worker=_worker, client=a_client)
    def beat(self, worker: int, client: int) -> None:
        """A heartbeat."""
        self.twins.beat(self.twins.worker(worker), client)

    @rule(worker=_worker)
    def retire(self, worker: int) -> None:
        """A worker leaves in order."""
        name = self.twins.worker(worker)
        self.twins.touched.update(one.id for one in self.twins.model.book.held_by(name))
        self.twins.do(lambda store: store.retire(name))
        self.twins.met("retired")

    @rule(instances=st.lists(ids, min_size=1, max_size=3), where=st.sampled_from(sorted(WHERE)), client=a_client)
    def cancel(self, instances: list[str], where: str, client: int) -> None:
        """Cancel a few."""
        self.twins.cancel(list(dict.fromkeys(instances)), WHERE[where], client)

    @rule(kind=st.sampled_from(_KINDS), pause=st.booleans(), client=a_client)
    def pause_or_resume(self, kind: str, pause: bool, client: int) -> None:
        """Hold a kind back, or let it go on."""
        self.twins.do(lambda store: store.pause([kind]) if pause else store.resume([kind]), client)
        self.twins.met("paused" if pause else "resumed")

    @rule(kind=st.sampled_from((None, *_KINDS)), state=st.sampled_from((None, "completed", "canceled")))
    def purge(self, kind: str | None, state: str | None) -> None:
        """Remove what is finished."""
        kinds = None if kind is None else frozenset({kind})
        self.twins.purge(PurgeFilter(kinds=kinds, states=None if state is None else frozenset({State(state)})))

    @rule(client=a_client)
    def reopen(self, client: int) -> None:
        """Close a client, and open it again."""
        self.twins.reopen(client)

    @rule(
        kind=st.sampled_from((None, *_KINDS)), state=st.sampled_from((None, *(one.value for one in State))),
        key=st.sampled_from((None, None, "x")), reason=st.sampled_from((None, None, "released", "crashed")),
        newest_first=st.booleans(), limit=st.integers(1, 5), client=a_client,
    )  # fmt: skip
    def find(
        self, kind: str | None, state: str | None, key: str | None, reason: str | None, newest_first: bool,
        limit: int, client: int,
    ) -> None:  # fmt: skip
        """Look for some, page by page."""
        kinds = None if kind is None else frozenset({kind})
        states = None if state is None else frozenset({State(state)})
        query = InstanceFilter(kinds=kinds, states=states, unique_key=key, reason=reason, newest_first=newest_first)
        self.twins.find(query, limit, client)

    @rule(client=a_client)
    def stats(self, client: int) -> None:
        """Look at the numbers."""
        self.twins.stats(client)

    @precondition(lambda self: self.twins.timed)
    @rule(units=st.integers(1, 4))
    def tick(self, units: int) -> None:
        """Let time go by."""
        self.twins.tick(units)

    @precondition(lambda self: self.twins.timed)
    @rule(client=a_client)
    def reap(self, client: int) -> None:
        """Take back what there is to take back."""
        self.twins.reap(client)
