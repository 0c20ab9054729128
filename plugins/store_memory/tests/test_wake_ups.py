"""Nothing ready lies beside a sleeper who could take it, whoever made it ready and whoever took the rest."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from threading import Condition, Event

import pytest
from plugins.store_memory.tests.lab import Lab

from rota.model.clock import SystemClock
from rota.model.ids import IdSource
from rota.model.query import InstanceFilter
from rota.model.records import Claim, Ending, InstanceRecord, Outcome, WorkerRecord
from rota.model.state import State
from rota.store.contract import MAX_PROMOTED
from rota.testing import FakeClock, wait_until
from rota_store_memory.enqueue import enqueue
from rota_store_memory.store import MemoryStore, open_store


def _asleep(lab: Lab, worker: str, *kinds: str, limit: int = 1, seq: int = 1) -> "Future[list[Claim]]":
    """A claim that sleeps, a minute long."""
    lab.beat(worker, lease_ms=10**6)
    return lab.blocked(lambda: lab.store.claim(worker, seq, kinds or ("add",), limit, 60_000))


def _ids(*futures: "Future[list[Claim]]") -> list[str]:
    return sorted(claim.record.id for future in futures for claim in future.result(5))


def _become_due_unnoticed(lab: Lab) -> None:
    """Let an hour pass on the wall clock alone: whoever looks next is not the timekeeper."""
    lab.clock.step_wall(timedelta(hours=1))


# ---- who promotes more than it takes -----------------------------------------------------------


def test_claim_that_leaves_what_it_promoted_wakes_a_sleeper(lab: Lab) -> None:
    """Of three that became due a claim takes one; a sleeper gets the other two at that moment."""
    delayed = lab.add_many(3, delay_ms=200)
    sleeper = _asleep(lab, "sleeper", limit=10)
    _become_due_unnoticed(lab)
    assert delayed[:1] == lab.claimed_ids(worker="poller", limit=1)
    assert delayed[1:] == _ids(sleeper)


def test_claim_that_leaves_something_of_several_kinds_wakes_a_sleeper_of_each(lab: Lab) -> None:
    """What is left counts kind by kind."""
    delayed = [lab.add(kind=kind, delay_ms=200 + n) for n, kind in enumerate("abab")]
    sleepers = [_asleep(lab, kind, kind) for kind in ("a", "b")]
    _become_due_unnoticed(lab)
    assert delayed[:2] == lab.claimed_ids(worker="poller", limit=2, kinds=("a", "b"))
    assert delayed[2:] == _ids(*sleepers)


def test_stats_that_promote_wake_a_sleeper(lab: Lab) -> None:
    """Reading the numbers takes no work away from who waits for it."""
    delayed = lab.add(delay_ms=200)
    sleeper = _asleep(lab, "sleeper")
    _become_due_unnoticed(lab)
    assert lab.store.stats()[0].oldest_due_ms is not None
    assert [delayed] == _ids(sleeper)


def test_wait_that_finds_due_work_leaves_the_alarm_to_the_sleepers(lab: Lab) -> None:
    """`wait` returns for what is due, and a sleeper is woken for it all the same when its time comes."""
    delayed = lab.add(delay_ms=200)
    sleeper = _asleep(lab, "sleeper")
    _become_due_unnoticed(lab)
    lab.store.wait("other", ["add"], 5000)
    lab.clock.advance(0.2)
    assert [delayed] == _ids(sleeper)


def test_more_than_one_promotion_takes_wakes_somebody_for_the_rest(lab: Lab) -> None:
    """A claim makes 500 ready and takes them; the 501st wakes a sleeper without a clock."""
    delayed = lab.add_many(MAX_PROMOTED + 1, delay_ms=200)
    sleeper = _asleep(lab, "sleeper")
    _become_due_unnoticed(lab)
    assert delayed[:MAX_PROMOTED] == lab.claimed_ids(worker="poller", limit=MAX_PROMOTED)
    assert delayed[MAX_PROMOTED:] == _ids(sleeper)


class _CountingClock(FakeClock):
    """Counts how often somebody went to sleep."""

    waits = 0

    def wait(self, condition: Condition, timeout_s: float | None) -> bool:
        """As `FakeClock.wait`; the caller holds the store's lock."""
        self.waits += 1
        return super().wait(condition, timeout_s)


@pytest.mark.parametrize("look", [lambda lab: lab.store.stats(), lambda lab: lab.claim("poller", limit=0)])
def test_what_is_left_wakes_as_many_and_no_more(look: Callable[[Lab], object]) -> None:
    """Of fifty sleepers two are woken for two instances, however often somebody looks before they have come."""
    clock = _CountingClock()
    with closing(Lab(clock)) as lab:
        delayed = lab.add_many(3, delay_ms=200)
        sleepers = [_asleep(lab, f"w{n}") for n in range(50)]
        _become_due_unnoticed(lab)
        assert delayed[:1] == lab.claimed_ids(worker="poller", limit=1)
        for _ in range(5):
            look(lab)
        lab.until_asleep(48)
        assert (delayed[1:], 50) == (_ids(*filter(Future.done, sleepers)), clock.waits)


# ---- who is called for one thing and takes another ------------------------------------------------


def test_sleeper_that_takes_another_kind_passes_its_call_on(lab: Lab) -> None:
    """Called for one kind it finds something better of another: the first goes to the next who waits for it."""
    first, second = _asleep(lab, "first", "add", "better"), _asleep(lab, "second", "add")
    plain, better = lab.record(), lab.record(kind="better", rank=0)
    with lab.store._lock:  # both before a sleeper can run
        enqueue(lab.store._space, [plain, better], lab.clock.now_ms())
    assert ([better.id], [plain.id]) == (_ids(first), _ids(second))


def test_repeat_of_a_blocked_claim_passes_its_call_on(lab: Lab) -> None:
    """Both get the one answer; the second instance, for which the repeat was called, goes to another worker."""
    twins, other = [_asleep(lab, "twin"), _asleep(lab, "twin")], _asleep(lab, "other")
    records = [lab.record(), lab.record()]
    with lab.store._lock:
        enqueue(lab.store._space, records, lab.clock.now_ms())
    assert _ids(twins[0]) == _ids(twins[1])
    assert [record.id for record in records] == _ids(twins[0], other)


def test_interrupted_wait_passes_its_call_on(lab: Lab) -> None:
    """Who returns from `wait` for an interrupt may never claim: what it was called for goes to the next."""
    waiting = lab.blocked(lambda: lab.store.wait("first", ["add"], 5000))
    second, record = _asleep(lab, "second"), lab.record()
    with lab.store._lock:
        enqueue(lab.store._space, [record], lab.clock.now_ms())
        lab.store._space.waiters.interrupt("first")
    assert (None, [record.id]) == (waiting.result(5), _ids(second))


# ---- the alarm ------------------------------------------------------------------------------


def test_sleeper_with_a_new_kind_has_the_alarm_set_for_it(lab: Lab) -> None:
    """What was delayed before anybody waited for its kind wakes who does now, though another keeps the time."""
    keeper = _asleep(lab, "keeper", "mine")
    delayed = lab.add(kind="theirs", delay_ms=200)
    sleeper = _asleep(lab, "sleeper", "theirs")
    lab.clock.advance(0.2)
    assert [delayed] == _ids(sleeper)
    assert not keeper.done()


# ---- all of it at once, on the machine's clock -------------------------------------------------------

_KINDS = ("a", "b", "c")
_LATE_MS = 1500


def _work(store: MemoryStore, worker: str, kinds: tuple[str, ...], limit: int, wait_ms: int, over: Event) -> list[int]:
    """Claim and complete until `over`; how late each was, in milliseconds."""
    store.beat(worker, 60_000, WorkerRecord(id=worker))
    late_ms: list[int] = []
    seq = 0
    while not over.is_set():
        seq += 1
        claims = store.claim(worker, seq, kinds, limit, wait_ms)
        late_ms += [claim.started_ms - claim.due_ms for claim in claims]
        store.settle([Outcome(claim.record.id, claim.token, Ending.COMPLETED) for claim in claims])
    return late_ms


def _look(store: MemoryStore, over: Event) -> list[int]:
    while not over.wait(0.001):
        store.stats()
    return []


def _batches(number: int) -> Iterator[list[InstanceRecord]]:
    rng = random.Random(11)
    ids = IdSource(SystemClock(), rng)
    for _ in range(number):
        delay_ms = rng.randint(1, 20)
        yield [
            InstanceRecord(id=one, kind=rng.choice(_KINDS), arguments=b"[]", rank=0, created_ms=0, delay_ms=delay_ms)
            for one in ids.many(rng.randint(1, 6))
        ]


def test_due_work_never_waits_beside_idle_workers() -> None:
    """Sleepers of several kinds, one that polls and one that reads `stats`: each job starts when it is due."""
    store, over = open_store("memory://", clock=SystemClock()), Event()
    kinds = [("a", "b"), ("b", "c"), ("c", "a", "b")]
    with ThreadPoolExecutor(5) as pool:
        working = [pool.submit(_work, store, f"w{n}", kinds[n], n + 1, 5000, over) for n in range(3)]
        working.append(pool.submit(_work, store, "poller", ("b",), 1, 1, over))
        working.append(pool.submit(_look, store, over))
        total = 0
        try:
            for batch in _batches(40):  # nothing else happens that would wake anybody
                total += len(store.enqueue(batch))
                wait_until(partial(_completed, store, total), 3, "every job to be completed")
        finally:
            over.set()
            for n in range(3):
                store.interrupt(f"w{n}")
        late_ms = [one for future in working for one in future.result(10)]
    assert (total, True) == (len(late_ms), max(late_ms) < _LATE_MS)


def _completed(store: MemoryStore, number: int) -> bool:
    return number == store.count(InstanceFilter(states=frozenset({State.COMPLETED})))
