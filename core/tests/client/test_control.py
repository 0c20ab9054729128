"""Control: cancel, retry, purge, pause, resume; each touches what it was told to, and nothing else."""

from collections.abc import Callable

import pytest
from core.tests.client.managers import ByHand, managed, reach, store_of

from rota import Instance, Manager, Query, State
from rota.model.name import is_system
from rota.model.records import Ending, WorkerRecord
from rota.testing import FakeClock


def _states(manager: Manager) -> dict[str, list[str]]:
    """Kind to states, oldest first."""
    found: dict[str, list[str]] = {}
    for one in manager.scan(Query(newest_first=False)):
        found.setdefault(one.kind, []).append(one.state.value)
    return found


def _in_every_state(manager: Manager) -> ByHand:
    """One instance of kind "a" in every state, and one of kind "b" that waits."""
    worker = ByHand(manager)
    job = manager.remote("a")
    for ending in (Ending.COMPLETED, Ending.TERMINATED, Ending.CANCELED, Ending.TIMED_OUT):
        job.schedule()
        worker.end("a", ending=ending)
    job.schedule()
    worker.claim("a")
    job.schedule()
    manager.remote("b").schedule()
    return worker


_BEFORE = ["completed", "terminated", "canceled", "timed_out", "processing", "scheduled"]


def test_cancel_ends_the_queued_and_asks_the_running() -> None:
    """How many is answered: those that were not final. Other kinds stay."""
    with managed() as manager:
        worker = _in_every_state(manager)
        assert 2 == manager.cancel(Query(kind="a"))
        assert {"a": [*_BEFORE[:-1], "canceled"], "b": ["scheduled"]} == _states(manager)
        assert 1 == len(worker.store.beat(worker.name, 60_000, WorkerRecord(id=worker.name)).cancels)


@pytest.mark.parametrize("verb", ["cancel", "retry", "purge"])
@pytest.mark.parametrize("query", [Query(ids=[]), Query(kind=[]), Query(state=[]), Query(kind="nobody")], ids=repr)
def test_query_that_selects_nothing_changes_nothing(verb: str, query: Query) -> None:
    """A list that came out empty must never mean everything."""
    with managed() as manager:
        _in_every_state(manager)
        assert 0 == getattr(manager, verb)(query)
        assert {"a": _BEFORE, "b": ["scheduled"]} == _states(manager)


@pytest.mark.parametrize(
    ("verb", "state"),
    [
        ("cancel", State.COMPLETED),
        ("cancel", State.CANCELED),
        ("retry", State.COMPLETED),
        ("retry", State.SCHEDULED),
        ("retry", State.PROCESSING),
        ("purge", State.SCHEDULED),
        ("purge", State.PROCESSING),
    ],
)
def test_state_that_the_verb_does_not_apply_to_changes_nothing(verb: str, state: State) -> None:
    """The query is narrowed to what can be canceled, retried, purged; never widened."""
    with managed() as manager:
        _in_every_state(manager)
        assert 0 == getattr(manager, verb)(Query(state=state))
        assert {"a": _BEFORE, "b": ["scheduled"]} == _states(manager)


def test_cancel_by_state_leaves_the_others() -> None:
    """Only the queued, say."""
    with managed() as manager:
        _in_every_state(manager)
        assert 1 == manager.cancel(Query(kind="a", state=State.SCHEDULED))
        assert {"a": [*_BEFORE[:-1], "canceled"], "b": ["scheduled"]} == _states(manager)


def test_cancel_works_through_any_number_of_pages() -> None:
    """More than one question to the store can answer."""
    with managed() as manager:
        manager.schedule_many(manager.remote("n").call() for _ in range(2500))
        assert 2500 == manager.cancel(Query())
        assert 2500 == manager.count(Query(state=State.CANCELED))


def test_retry_makes_linked_new_ones() -> None:
    """Of what TERMINATED or TIMED_OUT: same arguments and options, due now; the old ones stay as they are."""
    clock = FakeClock()
    with managed(clock) as manager:
        worker = ByHand(manager)
        job = manager.remote("a").options(priority=2, after=60, timeout=9)
        old = job.schedule("x", n=1)
        clock.advance(60)
        worker.fail("a")
        clock.advance(5)
        assert 1 == manager.retry(Query(kind="a"))
        new, kept = manager.find()
        (record,) = [snapshot.record for snapshot in store_of(manager).get([new.id.hex]) if snapshot]
        assert (old.id, State.TERMINATED, State.SCHEDULED) == (kept.id, kept.state, new.state)
        assert (old.id.hex, old.arguments, 2, 9000) == (
            record.retry_of,
            new.arguments,
            record.priority,
            record.timeout_ms,
        )
        assert (new.created_at, None, 0) == (new.due_at, record.due_ms, record.delay_ms)
        assert [new.id.hex] == worker.end("a")


@pytest.mark.parametrize(
    ("query", "again"),
    [
        (Query(), 2),
        (Query(kind="a"), 2),
        (Query(state=State.TERMINATED), 1),
        (Query(state=State.TIMED_OUT), 1),
        (Query(state=State.CANCELED), 1),
        (Query(state=[State.CANCELED, State.TERMINATED, State.COMPLETED]), 2),
    ],
    ids=repr,
)
def test_retry_takes_the_canceled_only_when_told(query: Query, again: int) -> None:
    """Cancel is somebody's decision; a completed one is never run again."""
    with managed() as manager:
        _in_every_state(manager)
        assert again == manager.retry(query)
        assert again + 1 == _states(manager)["a"].count("scheduled")


def test_retry_never_meets_what_it_made() -> None:
    """Though it fails at once: each of those that stood there is retried once."""
    from core.tests.client.managers import Watched

    with managed() as manager:
        manager.schedule_many(manager.remote("n").call() for _ in range(1500))
        worker = ByHand(manager)
        while worker.fail("n"):
            pass

        class Failing(Watched):
            def enqueue(self, records: list[object]) -> object:
                answers = self._store.enqueue(records)  # type: ignore[arg-type]
                while worker.fail("n"):
                    pass
                return answers

            def namespaced(self, namespace: str) -> "Failing":
                return self

        with Manager(Failing(store_of(manager), [], frozenset())) as other:
            assert 1500 == other.retry(Query())
            assert 3000 == other.count(Query(state=State.TERMINATED))


def test_retry_keeps_a_unique_key() -> None:
    """While a live one holds it, there is nothing to add."""
    with managed() as manager:
        job = manager.remote("a").options(unique_key="one")
        job.schedule()
        ByHand(manager).fail("a")
        job.schedule()
        assert 0 == manager.retry(Query())
        assert ["terminated", "scheduled"] == _states(manager)["a"]


def test_purge_removes_the_final_with_all_that_belongs_to_them() -> None:
    """The others stay, whatever the query says."""
    with managed() as manager:
        _in_every_state(manager)
        assert 4 == manager.purge(Query())
        assert {"a": ["processing", "scheduled"], "b": ["scheduled"]} == _states(manager)
        assert 0 == manager.purge(Query())


def test_purge_by_query_removes_what_matches() -> None:
    """By id, kind, state."""
    with managed() as manager:
        _in_every_state(manager)
        (one,) = manager.find(Query(state=State.COMPLETED))
        assert 1 == manager.purge(Query(ids=[one.id]))
        assert 1 == manager.purge(Query(kind="a", state=State.CANCELED))
        assert {"a": ["terminated", "timed_out", "processing", "scheduled"], "b": ["scheduled"]} == _states(manager)


def test_purge_works_through_any_number_of_pages() -> None:
    """While it removes what it walks over."""
    with managed() as manager:
        manager.schedule_many(manager.remote("n").call() for _ in range(2500))
        manager.cancel(Query())
        assert 2500 == manager.purge(Query())
        assert 0 == manager.count()


def test_paused_kind_is_not_started_until_it_is_resumed() -> None:
    """Others go on; what was scheduled meanwhile waits."""
    manager = managed()
    quick = [manager.job(kind=kind)(lambda: None) for kind in ("a", "b")]
    with manager:
        manager.pause("a")
        with manager.worker(concurrency=1):
            held, free = (job.schedule() for job in quick)
            reach(free, State.COMPLETED)
            assert State.SCHEDULED == held.refresh().state
            manager.resume("a")
            reach(held, State.COMPLETED)


@pytest.mark.parametrize("call", [lambda m: m.pause(), lambda m: m.resume(), lambda m: m.resume("never", "paused")])
def test_pausing_nothing_is_nothing(call: Callable[[Manager], None]) -> None:
    """No kinds: no effect. Resuming what is not paused: neither."""
    with managed() as manager:
        call(manager)
        manager.remote("a").schedule()
        assert 1 == len(ByHand(manager).claim("a"))


def test_workers_are_listed_while_they_live() -> None:
    """With name, kinds, slots and the last beat."""
    clock = FakeClock()
    manager = managed(clock)
    manager.job(kind="a")(lambda: None)
    with manager:
        assert [] == manager.workers()
        with manager.worker(concurrency=3) as worker:
            (info,) = manager.workers()
            own = {kind for kind in info.kinds if not is_system(kind)}
            assert (worker.name, {"a"}, 3, 0) == (info.name, own, info.concurrency, info.running)
            assert clock.now_ms() == round(info.last_beat.timestamp() * 1000)
        assert [] == manager.workers()


def test_instances_of_a_canceled_query_tell_it() -> None:
    """The handle that was there before sees it once refreshed."""
    with managed() as manager:
        one: Instance[object] = manager.remote("a").schedule()
        manager.cancel(Query(ids=[one.id]))
        assert (State.SCHEDULED, State.CANCELED) == (one.state, one.refresh().state)
