"""The rules of the state machine that bring about a situation which chance seldom meets; see `machine`."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import multiple, precondition, rule

from rota.model.query import PurgeFilter
from rota.model.records import ErrorRecord
from rota.model.state import State
from rota_conformance.loose_rules import ENDINGS, WHERE, LooseRules, a_client
from rota_conformance.twins import Held

__all__ = ["DirectedRules"]


class DirectedRules(LooseRules):
    """Each makes its own situation from nothing, whatever the other rules have done."""

    def _claimed(self, worker: int, client: int = 0, **fields: Any) -> Held:
        """A new instance of a kind that no other rule claims, in the hands of a worker."""
        name = self.twins.worker(worker)
        self._rank -= 1
        record = self.twins.lab.record(kind="solo", rank=self._rank, **fields)
        self.twins.enqueue([record], client)
        (held,) = self.twins.claim(name, ("solo",), 1, client)
        assert record.id == held.id
        return held

    @rule(target=LooseRules.claims, ending=st.sampled_from(ENDINGS), client=a_client)
    def settle_a_stale_claim(self, ending: str, client: int) -> Any:
        """A claim that was given back, and the instance claimed by another worker: the first may change nothing."""
        first, worker = self._claimed(0), self.twins.worker(0)
        self.twins.do(lambda store: store.retire(worker))
        (second,) = self.twins.claim(self.twins.worker(1), ("solo",), 1, client)
        self.twins.same("the token after", True, first.token < second.token)
        assert self.twins.settle(first, ending, client).status == "lost"
        self.twins.met("stale settle")
        return multiple(first, second)

    @rule(ending=st.sampled_from(ENDINGS), client=a_client)
    def settle_twice(self, ending: str, client: int) -> None:
        """An ending whose reply was lost."""
        held = self._claimed(0, client)
        self.twins.settle(held, ending, client)
        assert self.twins.settle(held, ending, 1 - client).status == "already"
        self.twins.met("settled twice")

    @rule(client=a_client)
    def crash_under_an_instance(self, client: int) -> None:
        """Crash, be claimed again, crash beyond the bound."""
        held = self._claimed(0, client, max_crashes=1)
        self.twins.settle(held, "crashed", client)
        (held,) = self.twins.claim(self.twins.worker(1), ("solo",), 1, client)
        self.twins.settle(held, "crashed", client)
        self.twins.same("after the last crash", State.TERMINATED, self.twins.lab.state(held.id))
        self.twins.met("poison")

    @rule(until=st.sampled_from(("started", "finished")), client=a_client)
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

    @rule(ending=st.sampled_from(("released", "crashed", "terminated")), client=a_client)
    def cancel_what_goes_back(self, ending: str, client: int) -> None:
        """What would be queued again loses against a cancel."""
        held = self._claimed(0, client)
        assert self.twins.cancel([held.id], None, client) == ["requested"]
        self.twins.beat(self.twins.worker(0), client)
        retry_ms = 0 if ending == "terminated" else None
        self.twins.settle(held, ending, client, retry_after_ms=retry_ms)
        self.twins.same("after a cancel", State.CANCELED, self.twins.lab.state(held.id))
        self.twins.met("requeue against a cancel")

    @rule(ending=st.sampled_from(("terminated", "timed_out")), client=a_client)
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

    @rule(client=a_client)
    def cancel_in_the_queue(self, client: int) -> None:
        """Only in the states that were named; once; never what is gone."""
        record = self.twins.lab.record(kind="solo")
        self.twins.enqueue([record], client)
        assert self.twins.cancel([record.id], WHERE["running"], client) == ["changed"]
        assert self.twins.cancel([record.id], WHERE["queued"], client) == ["canceled"]
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
    @rule(late=st.booleans(), ending=st.sampled_from(ENDINGS), client=a_client)
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
    @rule(
        target=LooseRules.claims,
        lanes=st.lists(st.sampled_from(("one", "two")), min_size=2, max_size=4),
        client=a_client,
    )
    def fill_lanes(self, lanes: list[str], client: int) -> Any:
        """More than a lane may run."""
        records = [self.twins.lab.record(kind="laned", lane=lane) for lane in (*lanes, lanes[0])]
        self.twins.enqueue(records, client)
        held = self.twins.claim(self.twins.worker(0), ("laned",), 10, client)
        self.twins.met(*(["held back by a lane"] if len(held) < len(records) else []))
        return multiple(*held)

    @precondition(lambda self: self.twins.lab.has("limits"))
    @rule(ending=st.sampled_from(ENDINGS), client=a_client)
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
    @rule(target=LooseRules.claims, number=st.integers(3, 4), client=a_client)
    def fill_a_gate(self, number: int, client: int) -> Any:
        """More than a kind may run."""
        self.twins.enqueue([self.twins.lab.record(kind="gated") for _ in range(number)], client)
        held = self.twins.claim(self.twins.worker(1), ("gated",), 10, client)
        self.twins.met(*(["held back by a gate"] if len(held) < number else []))
        return multiple(*held)

    @precondition(lambda self: self.twins.lab.has("rate"))
    @rule(target=LooseRules.claims, number=st.integers(3, 4), client=a_client)
    def outrun_a_rate(self, number: int, client: int) -> Any:
        """More than a rate lets start."""
        self.twins.enqueue([self.twins.lab.record(kind="rated") for _ in range(number)], client)
        held = self.twins.claim(self.twins.worker(2), ("rated",), 10, client)
        self.twins.met(*(["held back by a rate"] if len(held) < number else []))
        return multiple(*held)

    @precondition(lambda self: self.twins.lab.has("dependencies"))
    @rule(
        target=LooseRules.ids,
        parents=st.lists(LooseRules.ids, min_size=1, max_size=3),
        run=st.booleans(),
        delay=st.integers(0, 3),
        client=a_client,
    )
    def depend(self, parents: list[str], run: bool, delay: int, client: int) -> Any:
        """Wait for some that may have ended, or be gone."""
        record = self.twins.lab.record(
            kind="a", depends_on=tuple(dict.fromkeys(parents)), on_parent_failure="run" if run else "cancel",
            delay_ms=delay * self.twins.unit_ms,
        )  # fmt: skip
        (answer,) = self.twins.enqueue([record], client)
        return multiple(*([record.id] if answer.status == "added" else []))

    @precondition(lambda self: self.twins.lab.has("dependencies"))
    @rule(failing=st.booleans(), client=a_client)
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
