"""A store and the model that does the same: each word is said to both, and what they answer is compared."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from rota.model.query import InstanceFilter, PurgeFilter
from rota.model.records import (
    Claim,
    Ending,
    EnqueueAnswer,
    InstanceRecord,
    KindDescriptor,
    LimitRecord,
    LogRecord,
    Outcome,
    SettleAnswer,
    Snapshot,
    WorkerRecord,
)
from rota.model.state import State
from rota.store.contract import Store
from rota.testing import FakeClock
from rota_conformance.harness import StoreHarness
from rota_conformance.lab import Lab
from rota_conformance.likeness import Likeness
from rota_conformance.model import ReferenceStore

__all__ = ["Held", "Twins"]

_LONG_MS: Final = 3_600_000
_ALL: Final = 100_000


@dataclass(frozen=True, slots=True)
class Held:
    """A claim, with the token that each side gave it. It stays what it is when it is stale."""

    id: str
    token: int
    model_token: int


class Twins:
    """A namespace of the store under two clients, and the model. `touched` are ids that were spoken of since the last
    `compare`; `situations` counts what was met."""

    def __init__(self, harness: StoreHarness, seed: int, situations: "Counter[str]") -> None:
        self.lab = Lab(harness, seed)
        self.timed = self.lab.moves_time
        self.unit_ms = self.lab.unit_ms if self.timed else _LONG_MS  # what is to come does not come by itself
        self.lease_ms = self.lab.lease_ms if self.timed else _LONG_MS
        self.clients: list[Store] = [self.lab.store, self.lab.client()]
        clock = self.lab.clock if isinstance(self.lab.clock, FakeClock) else FakeClock(self.lab.store.now_ms())
        self.model_clock = clock
        self.model = ReferenceStore(clock, capabilities=self.lab.capabilities)
        self.ids: list[str] = []
        self.situations = situations
        self.touched: set[str] = set()
        self._store_form, self._model_form = Likeness(self.timed), Likeness(self.timed)
        self._seqs = count(1)
        self._names = count(1)
        self._workers: dict[int, str] = {}
        self._last: dict[str, tuple[int, tuple[str, ...], int]] = {}

    def met(self, *situations: str) -> None:
        """Count what was met."""
        self.situations.update(situations)

    def same(self, what: str, model: Any, store: Any) -> None:
        """Fail unless both say the same."""
        assert model == store, f"{what}: the model says {model!r}, the store {store!r}"

    def keep_up(self) -> None:
        """Where the store's time goes by itself: let each step have an instant of its own, and the model follow."""
        if not self.timed:
            self.lab.pass_ms(self.lab.capabilities.time_resolution_ms + 1)
            self.model_clock.advance(max(0, self.lab.store.now_ms() - self.model_clock.now_ms()) / 1000)

    # ---- asking for work

    def enqueue(self, records: Sequence[InstanceRecord], client: int) -> list[EnqueueAnswer]:
        """Enqueue; the answers."""
        self.keep_up()
        wanted = self.model.enqueue(records)
        found = self.clients[client].enqueue(records)
        self.same("enqueue", [self._answer(one) for one in wanted], [self._answer(one) for one in found])
        self.ids += [record.id for record in records if record.id not in self.ids]
        self.touched.update(record.id for record in records)
        self.met("second client" if client else "first client")
        return found

    def _answer(self, answer: EnqueueAnswer) -> tuple[Any, ...]:
        told = answer.status, answer.id, bool(answer.error)
        if answer.status != "added":
            return told
        timed = self.timed and answer.state is State.SCHEDULED
        return *told, answer.state, answer.due_ms if timed else 0

    def limit(self, kind: str, limit: LimitRecord) -> None:
        """Publish a limit."""
        descriptors = [KindDescriptor(kind=kind, limits=(limit,))]
        self.model.put_kinds(descriptors)
        self.clients[0].put_kinds(descriptors)

    # ---- working

    def worker(self, number: int) -> str:
        """A live worker; one that was lost has a successor."""
        name = self._workers.get(number, "")
        if name not in [one.id for one in self.model.workers()]:
            name = self._workers[number] = f"worker-{number}-{next(self._names)}"
            self.beat(name, 0)
        return name

    def beat(self, worker: str, client: int) -> None:
        """Beat; both tell the same cancels."""
        self.keep_up()
        info = WorkerRecord(id=worker)
        wanted = self.model.beat(worker, self.lease_ms, info)
        found = self.clients[client].beat(worker, self.lease_ms, info)
        self.same("beat lost", wanted.lost, found.lost)
        self.same("beat cancels", sorted(wanted.cancels), sorted(found.cancels))
        if found.cancels:
            self.met("told of a cancel")

    def claim(self, worker: str, kinds: Sequence[str], limit: int, client: int) -> list[Held]:
        """A new claim."""
        self._last[worker] = next(self._seqs), tuple(kinds), limit
        return self._claim(worker, client)

    def replay(self, worker: str, client: int) -> None:
        """The last claim of a worker once more, as after a lost reply."""
        if worker in self._last and self._claim(worker, client):
            self.met("replayed claim")

    def _claim(self, worker: str, client: int) -> list[Held]:
        self.keep_up()
        seq, kinds, limit = self._last[worker]
        wanted = self._standing(self.model.claim(worker, seq, kinds, limit))
        found = self._standing(self.clients[client].claim(worker, seq, kinds, limit))
        self.same("claim", [one.record.id for one in wanted], [one.record.id for one in found])
        both = list(zip(wanted, found, strict=True))
        for model, store in both:
            self.same("a claim", self._model_form.claim(model), self._store_form.claim(store))
            self._note_claim(store)
        return [Held(store.record.id, store.token, model.token) for model, store in both]

    def _standing(self, claims: Sequence[Claim]) -> list[Claim]:
        """Without what was purged since: a store need not remember it for a repeated claim."""
        return [one for one in claims if one.record.id in self.model.book.instances]

    def _note_claim(self, claim: Claim) -> None:
        self.touched.add(claim.record.id)
        self.met(*(["reclaimed after a crash"] if claim.crashes else []))
        self.met(*(["claimed again"] if claim.attempt > 1 else []))
        self.met(*(["a dependent started"] if claim.record.depends_on else []))

    def settle(self, held: Held, ending: str, client: int = 0, **fields: Any) -> SettleAnswer:
        """Settle, each side with its own token."""
        self.keep_up()
        form = Ending(ending)
        (wanted,) = self.model.settle([Outcome(held.id, held.model_token, form, **fields)])
        (found,) = self.clients[client].settle([Outcome(held.id, held.token, form, **fields)])
        if not (wanted.status == "already" and found.status == "lost" and self._forgotten(held)):
            self.same("settle", wanted.status, found.status)
        self.same("settle, the state", wanted.state, found.state)
        followed = [record.id for record in fields.get("followups", ())]
        self.ids += [one for one in followed if one not in self.ids]
        self.touched.update((held.id, *followed))
        self.met(f"{ending}: {found.status}")
        return found

    def _forgotten(self, held: Held) -> bool:
        """An outcome that was accepted before the last one: a store need not remember it."""
        return self.model.book.instances[held.id].settled[-1:] != [held.model_token]

    def log(self, held: Held, n: int, progress: float | None) -> None:
        """Write a line, or tell how far it is."""
        told: dict[str, Any] = {"at_ms": self.model.now_ms(), "level": 20, "message": f"line {n}", "progress": progress}
        self.model.append_logs([LogRecord(id=held.id, token=held.model_token, n=n, **told)])
        self.clients[0].append_logs([LogRecord(id=held.id, token=held.token, n=n, **told)])
        self.touched.add(held.id)

    def cancel(self, ids: Sequence[str], where: frozenset[State] | None, client: int) -> list[str]:
        """Cancel."""
        self.keep_up()
        found = self.clients[client].cancel(ids, where)
        self.same("cancel", self.model.cancel(ids, where), found)
        self.touched.update(ids)
        self.met(*(f"cancel: {answer}" for answer in found))
        return list(found)

    def reap(self, client: int) -> None:
        """Take back what the dead hold, all of it."""
        self.keep_up()
        wanted, found = self.model.reap(_ALL), self.clients[client].reap(_ALL)
        self.same("reap", self._model_form.reaped(wanted), self._store_form.reaped(found))
        self.touched.update(one.id for one in wanted)
        self.met(*(f"reaped: {one.reason}" for one in wanted))

    def do(self, call: Callable[[Any], Any], client: int = 0) -> None:
        """What answers nothing of note, on both."""
        self.keep_up()
        self.same("an answer", call(self.model), call(self.clients[client]))

    # ---- time

    def tick(self, units: float) -> None:
        """Let time go by. What expired meanwhile a claim may meet or not: it is swept up, so that both agree."""
        self.lab.pass_units(units)
        now_ms = self.model.now_ms()
        if any(one.may_expire(now_ms) for one in self.model.book.instances.values()):
            self.met("expired")
            self.claim(self.worker(9), ("a", "b"), 2, 1)
            self.reap(0)

    def end_leases(self) -> None:
        """Let the leases of all workers end."""
        self.lab.pass_ms(self.lease_ms + 1)
        self.met(*(["a lease ended"] if self.model.book.workers else []))

    # ---- looking

    def compare(self, ids: Sequence[str], client: int = 0) -> None:
        """Compare what is told of these."""
        store = self.clients[client]
        for model_form, read in (("snapshot", "get"), ("history", "history")):
            wanted, found = getattr(self.model, read)(ids), getattr(store, read)(ids)
            for one, expected, actual in zip(ids, wanted, found, strict=True):
                told = getattr(self._model_form, model_form)(expected), getattr(self._store_form, model_form)(actual)
                self.same(f"{read} of {one}", *told)

    def compare_touched(self) -> None:
        """Compare what was spoken of, by one client and the other in turn."""
        ids, self.touched = sorted(self.touched), set()
        if ids:
            self.compare(ids, len(self.ids) % 2)

    def compare_all(self) -> None:
        """Compare all that there ever was."""
        self.compare(self.ids)
        self.find(InstanceFilter(newest_first=False), 7, 1)

    def find(self, query: InstanceFilter, limit: int, client: int) -> None:
        """Compare an answer, over all of its pages."""
        found: list[Snapshot] = []
        cursor = None
        while True:
            page = self.clients[client].find(query, cursor, limit)
            found += page.items
            if (cursor := page.cursor) is None:
                break
        wanted = self.model.find(query, None, _ALL).items
        self.same("find", [one.record.id for one in wanted], [one.record.id for one in found])
        told = [self._model_form.snapshot(one) for one in wanted]
        self.same("found", told, [self._store_form.snapshot(one) for one in found])

    def stats(self, client: int) -> None:
        """Compare the numbers of all kinds."""
        wanted, found = self.model.stats(), self.clients[client].stats()
        self.same("stats", [self._numbers(one) for one in wanted], [self._numbers(one) for one in found])

    def _numbers(self, stats: Any) -> tuple[Any, ...]:
        counts = {state: number for state, number in stats.counts.items() if number}
        told = stats.kind, counts, stats.paused
        if not self.timed or stats.paused:
            return told
        return *told, stats.oldest_due_ms, stats.next_due_ms, stats.held_back

    def purge(self, query: PurgeFilter) -> None:
        """Purge all that match."""
        self.keep_up()
        wanted, found = self.model.purge(query, _ALL), 0
        while removed := self.clients[0].purge(query):
            found += removed
        self.same("purge", wanted, found)
        self.touched.update(self.ids)
        self.met(*(["purged"] if found else []))

    def reopen(self, client: int) -> None:
        """Close a client and open it again."""
        self.clients[client].close()
        self.clients[client].open()
        self.met("reopened")

    def close(self) -> None:
        """Let go."""
        self.lab.close()
