"""What ended without success: found by why it did, and run again, once each."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Lock

import pytest
from core.tests.client.managers import ByHand, Watched, managed, store_of, working

from rota import Instance, Manager, Query, State, StoreError
from rota.model.records import Ending, EnqueueAnswer, InstanceRecord
from rota.testing import FakeClock

MANY = 5000

_names = count(1)


def _worker(manager: Manager) -> ByHand:
    return ByHand(manager, f"by-hand-{next(_names)}")


def _failed(manager: Manager, number: int = 1, **options: object) -> list[Instance[object]]:
    """Finished failures, oldest first."""
    job = manager.remote("n").options(**options)  # type: ignore[arg-type]
    made = manager.schedule_many(job.call(n) for n in range(number))
    worker = _worker(manager)
    while worker.fail("n"):
        pass
    return made


def test_retry_asked_twice_makes_one() -> None:
    """Its id follows from the failed one's: at whatever time, by whomever; only what is new is counted."""
    clock = FakeClock()
    with managed(clock) as manager:
        (old,) = _failed(manager)
        assert 1 == manager.retry(Query())
        clock.advance(3600)
        assert 0 == manager.retry(Query())
        new, kept = manager.find()
        assert (old.id, None, old.id) == (new.retry_of, kept.retry_of, kept.id)
        assert new.id > old.id


def test_retry_that_failed_is_retried_itself() -> None:
    """Asking again goes on from the last of the chain, and leaves the first alone."""
    with managed() as manager:
        (old,) = _failed(manager)
        manager.retry(Query())
        _worker(manager).fail("n")
        assert 1 == manager.retry(Query(ids=[old.id, *(one.id for one in manager.find())]))
        third, second, first = manager.find()
        assert [second.id, first.id, None] == [third.retry_of, second.retry_of, first.retry_of]


def test_purged_retry_can_be_made_again() -> None:
    """Nothing remembers it."""
    with managed() as manager:
        (old,) = _failed(manager)
        manager.retry(Query())
        _worker(manager).end("n")
        assert 0 == manager.retry(Query(ids=[old.id]))
        assert 1 == manager.purge(Query(state=State.COMPLETED))
        assert 1 == manager.retry(Query(ids=[old.id]))


def test_one_of_several_with_a_unique_key_is_retried() -> None:
    """As when scheduled anew: one lives for the key. Once that one has ended, the next can follow."""
    with managed() as manager:
        for _ in range(3):
            _failed(manager, unique_key="one")
        assert [1, 0] == [manager.retry(Query()), manager.retry(Query())]
        _worker(manager).end("n")
        assert 1 == manager.retry(Query())


def test_retries_stand_in_the_order_of_the_failures() -> None:
    """Ids sort them as the ends of what they retry."""
    clock = FakeClock()
    with managed(clock) as manager:
        for _ in range(5):
            _failed(manager)
            clock.advance(1)
        failed = [one.id for one in manager.scan(Query(newest_first=False))]
        manager.retry(Query())
        made = [one for one in manager.scan(Query(newest_first=False)) if one.retry_of]
        assert failed == [one.retry_of for one in made]
        assert made == sorted(made, key=lambda one: one.id)


def test_poison_and_others_are_found_by_their_reason() -> None:
    """By a query that all verbs take."""
    with managed() as manager:
        manager.schedule_many(manager.remote("n").call(n) for n in range(4))
        worker = _worker(manager)
        for _ in range(4):
            worker.end("n", ending=Ending.CRASHED)
        manager.remote("n").schedule()
        worker.end("n", ending=Ending.TERMINATED, reason="exhausted")
        _failed(manager)
        assert [4, 1] == [manager.count(Query(reason=reason)) for reason in ("poison", "exhausted")]
        assert [4, 1] == [manager.retry(Query(reason=reason)) for reason in ("poison", "exhausted")]
        assert 5 == manager.count(Query(state=State.SCHEDULED))
        assert 4 == manager.purge(Query(reason="poison"))


def test_expired_are_retried_only_as_canceled_ones() -> None:
    """A reason alone does not name a state."""
    clock = FakeClock()
    with managed(clock) as manager:
        manager.remote("n").options(expires=5).schedule()
        clock.advance(5)
        store_of(manager).reap()
        assert 1 == manager.count(Query(reason="expired"))
        assert 0 == manager.retry(Query(reason="expired"))
        assert 1 == manager.retry(Query(reason="expired", state=State.CANCELED))


def test_refused_ones_are_told_after_all_others_were_added() -> None:
    """The rest must not wait for what no store takes; nothing is dropped in silence."""

    class Refusing(Watched):
        def enqueue(self, records: list[InstanceRecord]) -> list[EnqueueAnswer]:
            odd = [record for record in records if record.id[-1] in "02468ace"]
            self._store.enqueue([record for record in records if record not in odd])
            return [EnqueueAnswer("refused" if one in odd else "added", one.id, error="odd") for one in records]

        def namespaced(self, namespace: str) -> "Refusing":
            return self

    with managed() as manager:
        _failed(manager, 2500)
        with Manager(Refusing(store_of(manager), [], frozenset())) as other:
            with pytest.raises(StoreError, match=r"can't be retried, \d+ are: first, odd"):
                other.retry(Query())
            added = other.count(Query(state=State.SCHEDULED))
            assert 1000 < added < 1500


def test_thousands_are_retried_once_each_while_workers_run() -> None:
    """Two ask at the same time while a worker runs what they add: none is lost, none is doubled."""
    ran: Counter[int] = Counter()
    lock = Lock()
    with managed(store="memory://") as manager:
        _failed(manager, MANY)

        @manager.job
        def n(number: int) -> None:
            with lock:
                ran[number] += 1

        with working(manager, concurrency=4), ThreadPoolExecutor(2) as both:
            counts = [future.result() for future in [both.submit(manager.retry, Query(kind="n")) for _ in "ab"]]
            for one in manager.scan(Query(kind="n", newest_first=False)):
                if one.retry_of:
                    one.join(30)
        assert MANY == sum(counts)
        assert (MANY, {1}) == (len(ran), set(ran.values()))
        assert 2 * MANY == manager.count(Query(kind="n"))


def test_thousands_are_canceled_while_workers_run() -> None:
    """Each one is canceled or has run, and what was counted as canceled was."""
    ran: Counter[int] = Counter()
    with managed() as manager:

        @manager.job
        def n(number: int) -> None:
            ran[number] += 1

        manager.schedule_many(n.call(number) for number in range(MANY))
        with working(manager, concurrency=2) as working_manager:
            canceled = working_manager.cancel(Query(kind="n"))
            for one in manager.scan(Query(kind="n")):
                one.join(30)
        ended = {state: manager.count(Query(kind="n", state=state)) for state in (State.COMPLETED, State.CANCELED)}
        assert sum(ended.values()) == MANY
        assert ended[State.CANCELED] <= canceled
        assert ended[State.COMPLETED] <= len(ran) <= MANY
        assert 1 == max(ran.values(), default=1)
