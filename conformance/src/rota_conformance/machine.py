"""A state machine that tells a store and the model the same, whatever comes to mind, by two clients; see `twins`.

Rules come in two kinds. The loose ones do one thing. The *directed* ones bring about a situation that chance seldom
meets: a stale claim, a crash after which an instance is claimed again, an ending that arrives twice. `FLOORS` names
what has to be met, and a run begins with a `tour` through it, so that no floor is left to chance. All arguments of
rules are numbers, texts and results of others, so that a failing history, as Hypothesis prints it, is a program;
`runnable` completes it.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rota.model.query import InstanceFilter, PurgeFilter
from rota.model.records import ErrorRecord, LimitRecord
from rota.model.state import State
from rota_conformance.harness import StoreHarness
from rota_conformance.profiles import Profile
from rota_conformance.twins import Held, Twins

__all__ = ["FLOORS", "StoreMachine", "machine_for", "missed", "run_machine", "runnable"]

#: Situations that every run meets, with the feature or clock that they need.
FLOORS: Final[dict[str, str | None]] = {
    "stale settle": None,
    "settled twice": None,
    "replayed claim": None,
    "same id again": None,
    "duplicate key": None,
    "key free again": None,
    "poison": None,
    "retried": None,
    "released: done": None,
    "completed: done": None,
    "requeue against a cancel": None,
    "told of a cancel": None,
    "cancel: canceled": None,
    "cancel: final": None,
    "cancel: changed": None,
    "claimed again": None,
    "reclaimed after a crash": None,
    "second client": None,
    "reopened": None,
    "paused": None,
    "purged": None,
    "retired": None,
    "expired": "moves_time",
    "reaped: crashed": "moves_time",
    "settled after the lease": "moves_time",
    "settled after the reap": "moves_time",
    "held back by a lane": "limits",
    "held back by a gate": "limits",
    "a lane given back": "limits",
    "held back by a rate": "rate",
    "a dependent started": "dependencies",
    "canceled by a parent": "dependencies",
}

_KINDS: Final = ("a", "b")
_LIMITED: Final = ("laned", "gated", "rated")
_ENDINGS: Final = ("completed", "terminated", "canceled", "timed_out", "crashed", "released")
_WHERE: Final = {
    "any": None,
    "queued": frozenset({State.CREATED, State.SCHEDULED}),
    "running": frozenset({State.PROCESSING}),
}
_client = st.integers(0, 1)
_worker = st.integers(0, 2)
_few = st.integers(0, 3)


class StoreMachine(RuleBasedStateMachine):
    """See the module. A subclass from `machine_for` has a harness."""

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

    # ---- loose rules

    @rule(
        target=ids, kind=st.sampled_from(_KINDS), rank=_few, delay=st.sampled_from((0, 0, 1, 2)),
        expires=st.sampled_from((None, None, 1, 3)), key=st.sampled_from((None, None, "x", "y")), crashes=_few,
        client=_client,
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

    @rule(target=ids, number=st.integers(2, 6), rank=_few, client=_client)
    def enqueue_many(self, number: int, rank: int, client: int) -> Any:
        """Ask for several at once, of both kinds."""
        records = [self.twins.lab.record(kind=_KINDS[n % 2], rank=rank) for n in range(number)]
        self.twins.enqueue(records, client)
        return multiple(*(record.id for record in records))

    @rule(instance=ids, client=_client)
    def enqueue_again(self, instance: str, client: int) -> None:
        """The same record once more."""
        (snapshot,) = self.twins.model.get([instance])
        if snapshot is not None:
            self.twins.enqueue([snapshot.record], client)
            self.twins.met("same id again")

    @rule(
        target=claims, worker=_worker, kinds=st.sampled_from((("a",), ("b",), _KINDS, (*_KINDS, *_LIMITED))),
        limit=st.integers(0, 5), client=_client,
    )  # fmt: skip
    def claim(self, worker: int, kinds: Sequence[str], limit: int, client: int) -> Any:
        """A new claim."""
        return multiple(*self.twins.claim(self.twins.worker(worker), kinds, limit, client))

    @rule(worker=_worker, client=_client)
    def replay(self, worker: int, client: int) -> None:
        """The last claim again, also by the other client."""
        self.twins.replay(self.twins.worker(worker), client)

    @rule(held=claims, ending=st.sampled_from(_ENDINGS), client=_client)
    def settle(self, held: Held, ending: str, client: int) -> None:
        """End an attempt, or try to."""
        self.twins.settle(held, ending, client, result=b"done" if ending == "completed" else None)

    @rule(held=claims, ending=st.sampled_from(("terminated", "timed_out")), after=st.integers(0, 2), client=_client)
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

    @rule(worker=_worker, client=_client)
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

    @rule(instances=st.lists(ids, min_size=1, max_size=3), where=st.sampled_from(sorted(_WHERE)), client=_client)
    def cancel(self, instances: list[str], where: str, client: int) -> None:
        """Cancel a few."""
        self.twins.cancel(list(dict.fromkeys(instances)), _WHERE[where], client)

    @rule(kind=st.sampled_from(_KINDS), pause=st.booleans(), client=_client)
    def pause_or_resume(self, kind: str, pause: bool, client: int) -> None:
        """Hold a kind back, or let it go on."""
        self.twins.do(lambda store: store.pause([kind]) if pause else store.resume([kind]), client)
        self.twins.met("paused" if pause else "resumed")

    @rule(kind=st.sampled_from((None, *_KINDS)), state=st.sampled_from((None, "completed", "canceled")))
    def purge(self, kind: str | None, state: str | None) -> None:
        """Remove what is finished."""
        kinds = None if kind is None else frozenset({kind})
        self.twins.purge(PurgeFilter(kinds=kinds, states=None if state is None else frozenset({State(state)})))

    @rule(client=_client)
    def reopen(self, client: int) -> None:
        """Close a client, and open it again."""
        self.twins.reopen(client)

    @rule(
        kind=st.sampled_from((None, *_KINDS)), state=st.sampled_from((None, *(one.value for one in State))),
        key=st.sampled_from((None, None, "x")), reason=st.sampled_from((None, None, "released", "crashed")),
        newest_first=st.booleans(), limit=st.integers(1, 5), client=_client,
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

    @rule(client=_client)
    def stats(self, client: int) -> None:
        """Look at the numbers."""
        self.twins.stats(client)

    @precondition(lambda self: self.twins.timed)
    @rule(units=st.integers(1, 4))
    def tick(self, units: int) -> None:
        """Let time go by."""
        self.twins.tick(units)

    @precondition(lambda self: self.twins.timed)
    @rule(client=_client)
    def reap(self, client: int) -> None:
        """Take back what there is to take back."""
        self.twins.reap(client)

    # ---- directed rules

    def _claimed(self, worker: int, client: int = 0, **fields: Any) -> Held:
        """A new instance of a kind that no other rule claims, in the hands of a worker."""
        name = self.twins.worker(worker)
        self._rank -= 1
        record = self.twins.lab.record(kind="solo", rank=self._rank, **fields)
        self.twins.enqueue([record], client)
        (held,) = self.twins.claim(name, ("solo",), 1, client)
        assert record.id == held.id
        return held

    @rule(target=claims, ending=st.sampled_from(_ENDINGS), client=_client)
    def settle_a_stale_claim(self, ending: str, client: int) -> Any:
        """A claim that was given back, and the instance claimed by another worker: the first may change nothing."""
        first, worker = self._claimed(0), self.twins.worker(0)
        self.twins.do(lambda store: store.retire(worker))
        (second,) = self.twins.claim(self.twins.worker(1), ("solo",), 1, client)
        self.twins.same("the token after", True, first.token < second.token)
        assert self.twins.settle(first, ending, client).status == "lost"
        self.twins.met("stale settle")
        return multiple(first, second)

    @rule(ending=st.sampled_from(_ENDINGS), client=_client)
    def settle_twice(self, ending: str, client: int) -> None:
        """An ending whose reply was lost."""
        held = self._claimed(0, client)
        self.twins.settle(held, ending, client)
        assert self.twins.settle(held, ending, 1 - client).status == "already"
        self.twins.met("settled twice")

    @rule(client=_client)
    def crash_under_an_instance(self, client: int) -> None:
        """Crash, be claimed again, crash beyond the bound."""
        held = self._claimed(0, client, max_crashes=1)
        self.twins.settle(held, "crashed", client)
        (held,) = self.twins.claim(self.twins.worker(1), ("solo",), 1, client)
        self.twins.settle(held, "crashed", client)
        self.twins.same("after the last crash", State.TERMINATED, self.twins.lab.state(held.id))
        self.twins.met("poison")

    @rule(until=st.sampled_from(("started", "finished")), client=_client)
    def use_a_key_again(self, until: str, client: int) -> None:
        """A key is taken, given back, and taken anew."""
        key = f"key {self._rank}"
        first = self._claimed(0, client, unique_key=key, unique_until=until)
        for expected in ("added" if until == "started" else "duplicate", "duplicate"):
            record = self.twins.lab.record(kind="solo", unique_key=key, rank=0)
            (answer,) = self.twins.enqueue([record], 1 - client)
            self.twins.same("a key that is held", expected, answer.status)
        self.twins.met("duplicate key")
        self.twins.settle(first, "completed", client)
        if until == "finished":
            self.twins.settle(self._claimed(0, client, unique_key=key), "completed")
        self.twins.met("key free again")
        self.twins.cancel([one for one in self.twins.ids if self._is_waiting_solo(one)], None, client)

    def _is_waiting_solo(self, instance_id: str) -> bool:
        one = self.twins.model.book.instances.get(instance_id)
        return one is not None and one.kind == "solo" and one.state is State.SCHEDULED

    @rule(ending=st.sampled_from(("released", "crashed", "terminated")), client=_client)
    def cancel_what_goes_back(self, ending: str, client: int) -> None:
        """What would be queued again loses against a cancel."""
        held = self._claimed(0, client)
        assert self.twins.cancel([held.id], None, client) == ["requested"]
        self.twins.beat(self.twins.worker(0), client)
        retry_ms = 0 if ending == "terminated" else None
        self.twins.settle(held, ending, client, retry_after_ms=retry_ms)
        self.twins.same("after a cancel", State.CANCELED, self.twins.lab.state(held.id))
        self.twins.met("requeue against a cancel")

    @rule(ending=st.sampled_from(("terminated", "timed_out")), client=_client)
    def fail_and_succeed(self, ending: str, client: int) -> None:
        """An attempt fails, the next one completes; then nothing changes it any more, and it may be purged."""
        held = self._claimed(0, client)
        error = ErrorRecord("failed", "ValueError", "no")
        self.twins.settle(held, ending, client, retry_after_ms=0, error=error)
        self.twins.met("retried")
        (held,) = self.twins.claim(self.twins.worker(1), ("solo",), 1, client)
        self.twins.settle(held, "completed", client, result=b"done")
        assert self.twins.cancel([held.id], None, client) == ["final"]
        self.twins.purge(PurgeFilter(ids=(held.id,)))

    @rule(client=_client)
    def cancel_in_the_queue(self, client: int) -> None:
        """Only in the states that were named; once; never what is gone."""
        record = self.twins.lab.record(kind="solo")
        self.twins.enqueue([record], client)
        assert self.twins.cancel([record.id], _WHERE["running"], client) == ["changed"]
        assert self.twins.cancel([record.id], _WHERE["queued"], client) == ["canceled"]
        assert self.twins.cancel([record.id, "0" * 32], None, 1 - client) == ["final", "missing"]

    @precondition(lambda self: self.twins.timed)
    @rule(expires=st.integers(1, 2))
    def let_one_expire(self, expires: int) -> None:
        """One waits too long; another of the same age has been claimed before."""
        unit_ms = self.twins.unit_ms
        held = self._claimed(0, expires_after_ms=expires * unit_ms)
        record = self.twins.lab.record(kind="a", expires_after_ms=expires * unit_ms)
        self.twins.enqueue([record], 0)
        self.twins.tick(expires)
        self.twins.settle(held, "released")
        self.twins.settle(self.twins.claim(self.twins.worker(0), ("solo",), 1, 0)[0], "completed")

    @precondition(lambda self: self.twins.timed)
    @rule(late=st.booleans(), ending=st.sampled_from(_ENDINGS), client=_client)
    def let_leases_end(self, late: bool, ending: str, client: int) -> None:
        """All workers fall silent; one settles before it is reaped, or after."""
        held = self._claimed(0, client, max_crashes=5)
        self.twins.end_leases()
        if not late:
            assert self.twins.settle(held, ending, client).status == "done"
            self.twins.met("settled after the lease")
        self.twins.reap(1 - client)
        if late:
            assert self.twins.settle(held, ending, client).status == "lost"
            self.twins.met("settled after the reap")
        for again in self.twins.claim(self.twins.worker(1), ("solo",), 100, client):
            self.twins.settle(again, "completed", client)

    # ---- where they are declared

    @precondition(lambda self: self.twins.lab.has("limits"))
    @rule(target=claims, lanes=st.lists(st.sampled_from(("one", "two")), min_size=2, max_size=4), client=_client)
    def fill_lanes(self, lanes: list[str], client: int) -> Any:
        """More than a lane may run."""
        records = [self.twins.lab.record(kind="laned", lane=lane) for lane in (*lanes, lanes[0])]
        self.twins.enqueue(records, client)
        held = self.twins.claim(self.twins.worker(0), ("laned",), 10, client)
        self.twins.met(*(["held back by a lane"] if len(held) < len(records) else []))
        return multiple(*held)

    @precondition(lambda self: self.twins.lab.has("limits"))
    @rule(ending=st.sampled_from(_ENDINGS), client=_client)
    def give_a_lane_back(self, ending: str, client: int) -> None:
        """Whatever ends an attempt makes room for the next of its lane; a cancel in the queue makes none."""
        self._rank -= 1
        lane = f"lane {self._rank}"
        records = [self.twins.lab.record(kind="laned", lane=lane, rank=self._rank) for _ in range(3)]
        self.twins.enqueue(records, client)
        (held,) = self.twins.claim(self.twins.worker(0), ("laned",), 1, client)
        self.twins.cancel([records[1].id], None, client)
        self.twins.claim(self.twins.worker(1), ("laned",), 10, client)
        self.twins.settle(held, ending, client)
        (held,) = self.twins.claim(self.twins.worker(0), ("laned",), 1, client)
        self.twins.settle(held, "completed", client)
        self.twins.met("a lane given back")

    @precondition(lambda self: self.twins.lab.has("limits"))
    @rule(target=claims, number=st.integers(3, 4), client=_client)
    def fill_a_gate(self, number: int, client: int) -> Any:
        """More than a kind may run."""
        self.twins.enqueue([self.twins.lab.record(kind="gated") for _ in range(number)], client)
        held = self.twins.claim(self.twins.worker(1), ("gated",), 10, client)
        self.twins.met(*(["held back by a gate"] if len(held) < number else []))
        return multiple(*held)

    @precondition(lambda self: self.twins.lab.has("rate"))
    @rule(target=claims, number=st.integers(3, 4), client=_client)
    def outrun_a_rate(self, number: int, client: int) -> Any:
        """More than a rate lets start."""
        self.twins.enqueue([self.twins.lab.record(kind="rated") for _ in range(number)], client)
        held = self.twins.claim(self.twins.worker(2), ("rated",), 10, client)
        self.twins.met(*(["held back by a rate"] if len(held) < number else []))
        return multiple(*held)

    @precondition(lambda self: self.twins.lab.has("dependencies"))
    @rule(target=ids, parents=st.lists(ids, min_size=1, max_size=3), run=st.booleans(), delay=_few, client=_client)
    def depend(self, parents: list[str], run: bool, delay: int, client: int) -> Any:
        """Wait for some that may have ended, or be gone."""
        record = self.twins.lab.record(
            kind="a", depends_on=tuple(dict.fromkeys(parents)), on_parent_failure="run" if run else "cancel",
            delay_ms=delay * self.twins.unit_ms,
        )  # fmt: skip
        (answer,) = self.twins.enqueue([record], client)
        return multiple(*([record.id] if answer.status == "added" else []))

    @precondition(lambda self: self.twins.lab.has("dependencies"))
    @rule(failing=st.booleans(), client=_client)
    def end_both_parents(self, failing: bool, client: int) -> None:
        """A dependent starts when the last of two has ended, or falls with them, and its own dependent too."""
        first, second = self._claimed(0, client), self._claimed(1, client)
        child = self.twins.lab.record(kind="solo", rank=self._rank, depends_on=(first.id, second.id))
        grandchild = self.twins.lab.record(kind="solo", rank=self._rank, depends_on=(child.id,))
        self.twins.enqueue([child, grandchild], client)
        self.twins.settle(first, "completed", client)
        self.twins.compare([child.id, grandchild.id])
        self.twins.settle(second, "terminated" if failing else "completed", client)
        self.twins.touched.update((child.id, grandchild.id))
        if failing:
            self.twins.same("a parent failed", State.CANCELED, self.twins.lab.state(grandchild.id))
            self.twins.met("canceled by a parent")
            return
        for _ in range(2):
            (held,) = self.twins.claim(self.twins.worker(0), ("solo",), 1, client)
            self.twins.settle(held, "completed", client)

    # ---- all situations, one after the other

    def tour(self, rounds: int) -> None:
        """Every situation so many times, in an order of the seed's. Raises: as a rule does."""
        rng = random.Random(self.seed)
        steps = [step for need, step in _TOUR if need in self._given() for _ in range(rounds)]
        for step in rng.sample(steps, len(steps)):
            step(self, rng.randrange(2), rng.choice(_ENDINGS))
            self.agree()

    def _given(self) -> set[str | None]:
        """What situations may need here."""
        lab = self.twins.lab
        return {None, *lab.capabilities.features} | ({"moves_time"} if self.twins.timed else set())

    def _meet_loosely(self, client: int, ending: str) -> None:
        """What the loose rules do, once each."""
        twins, worker = self.twins, self.twins.worker(0)
        record = twins.lab.record(kind="b")
        twins.enqueue([record], client)
        self.enqueue_again(record.id, 1 - client)
        self.pause_or_resume("b", True, client)
        twins.claim(worker, ("b",), 1, client)
        self.pause_or_resume("b", False, client)
        twins.claim(worker, ("b",), 1, client)
        twins.replay(worker, 1 - client)
        self.retire(0)
        self.reopen(client)
        twins.claim(twins.worker(0), ("b",), 1, client)
        self.cancel([record.id], "any", client)
        self.retire(0)


_TOUR: Final[tuple[tuple[str | None, Callable[[StoreMachine, int, str], Any]], ...]] = (
    (None, StoreMachine._meet_loosely),
    (None, lambda machine, client, ending: machine.settle_a_stale_claim(ending, client)),
    (None, lambda machine, client, ending: machine.settle_twice(ending, client)),
    (None, lambda machine, client, ending: machine.settle_twice("released", client)),
    (None, lambda machine, client, ending: machine.crash_under_an_instance(client)),
    (None, lambda machine, client, ending: machine.use_a_key_again("started", client)),
    (None, lambda machine, client, ending: machine.use_a_key_again("finished", client)),
    (None, lambda machine, client, ending: machine.cancel_what_goes_back("crashed", client)),
    (None, lambda machine, client, ending: machine.fail_and_succeed("timed_out", client)),
    (None, lambda machine, client, ending: machine.cancel_in_the_queue(client)),
    ("moves_time", lambda machine, client, ending: machine.let_one_expire(1 + client)),
    ("moves_time", lambda machine, client, ending: machine.let_leases_end(False, ending, client)),
    ("moves_time", lambda machine, client, ending: machine.let_leases_end(True, ending, client)),
    ("limits", lambda machine, client, ending: machine.fill_lanes(["one", "two"], client)),
    ("limits", lambda machine, client, ending: machine.fill_a_gate(3, client)),
    ("limits", lambda machine, client, ending: machine.give_a_lane_back(ending, client)),
    ("limits", lambda machine, client, ending: machine.give_a_lane_back("crashed", client)),
    ("rate", lambda machine, client, ending: machine.outrun_a_rate(3, client)),
    ("dependencies", lambda machine, client, ending: machine.end_both_parents(False, client)),
    ("dependencies", lambda machine, client, ending: machine.end_both_parents(True, client)),
)


def machine_for(harness: StoreHarness, seed: int = 0) -> type[StoreMachine]:
    """The machine for a store, with a count of situations of its own."""
    told = {"harness": harness, "seed": seed, "situations": Counter(), "__module__": __name__}
    return type("StoreMachine", (StoreMachine,), told)


def run_machine(machine: type[StoreMachine], profile: Profile) -> None:
    """Make the tour, then run as many examples of as many steps as the profile says. Raises: what the first failing
    one raised, with its history in the notes."""
    chosen = settings(
        max_examples=profile.examples,
        stateful_step_count=profile.steps,
        deadline=None,
        database=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large),
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
    )
    toured = machine()
    try:
        toured.publish_limits()
        toured.tour(_floor(profile))
    finally:
        toured.teardown()
    run_state_machine_as_test(seed(machine.seed)(machine), settings=chosen)


def missed(machine: type[StoreMachine], profile: Profile) -> dict[str, int]:
    """Situations that a run met less often than it has to, and how often it did."""
    looking = machine()
    given, met = looking._given(), machine.situations
    looking.teardown()
    return {one: met[one] for one, need in FLOORS.items() if need in given and met[one] < _floor(profile)}


def _floor(profile: Profile) -> int:
    """How often each situation has to be met."""
    return max(2, profile.examples // 25)


def runnable(error: BaseException, opening: str) -> str:
    """The failing history in the notes of an error as a program; `opening` is an expression for the harness."""
    lines = "\n".join(getattr(error, "__notes__", [])).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("state = "))
    end = next(n for n, line in enumerate(lines) if n > start and line.startswith("state.teardown"))
    head = ["from rota_conformance.harness import harness_from", "from rota_conformance.machine import machine_for", ""]
    return "\n".join([*head, f"StoreMachine = machine_for({opening})", *lines[start : end + 1]])
