"""Removing what is finished, with all that belongs to it."""

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.store_memory.tests.lab import Lab

from rota.model.errors import UnknownInstance
from rota.model.query import InstanceFilter, LogFilter, PurgeFilter
from rota.model.records import Ending, LogRecord
from rota.model.state import State

_FINALS = (Ending.COMPLETED, Ending.TERMINATED, Ending.CANCELED, Ending.TIMED_OUT)


def test_only_finished_that_match_go_the_oldest_first(lab: Lab) -> None:
    """A purge removes at most `limit`, by the time of their end, and spares what does not match or still lives."""
    first, second, third = lab.run(), lab.run(kind="b"), lab.run(ending=Ending.TERMINATED)
    live = lab.add()
    lab.clock.advance(1)
    young = lab.run()
    bound = lab.clock.now_ms()
    assert 1 == lab.store.purge(PurgeFilter(ended_until_ms=bound, kinds=frozenset({"add"})), 1)
    assert [young, live, third, second] == sorted(lab.find_all(), reverse=True)
    assert 1 == lab.store.purge(PurgeFilter(ended_until_ms=bound, states=frozenset({State.TERMINATED})))
    assert 1 == lab.store.purge(PurgeFilter(ended_until_ms=bound))
    assert 0 == lab.store.purge(PurgeFilter(ended_until_ms=bound))
    assert [young, live] == sorted(lab.find_all(), reverse=True)
    assert [None, None, None] == lab.store.get([first, second, third])


def test_named_ones_are_purged_when_they_match(lab: Lab) -> None:
    """Ids select too, at most `limit` of them, together with the rest of the filter; the oldest first here as well."""
    one, two, live = lab.run(), lab.run(), lab.add()
    assert 0 == lab.store.purge(PurgeFilter(ids=(one, two), kinds=frozenset({"b"})))
    assert 0 == lab.store.purge(PurgeFilter(ids=(one, two), states=frozenset({State.CANCELED})))
    assert 0 == lab.store.purge(PurgeFilter(ids=(one, two), ended_until_ms=lab.clock.now_ms()))
    assert 1 == lab.store.purge(PurgeFilter(ids=(two, live, one, two, "f" * 32)), 1)
    assert [live, two] == lab.find_all()
    assert 1 == lab.store.purge(PurgeFilter(ids=(two, live, one)))


def test_end_times_set_back_are_purged_in_their_order(lab: Lab) -> None:
    """A wall clock that was set back between two ends hides nothing from a purge."""
    later = lab.run()
    lab.clock.step_wall(timedelta(hours=-1))
    earlier = lab.run()
    assert 1 == lab.store.purge(PurgeFilter(ended_until_ms=lab.clock.now_ms() + 1))
    assert ([None], [later]) == (lab.store.get([earlier]), lab.find_all())


@pytest.mark.parametrize("named", [False, True])
def test_purge_can_begin_at_an_end(lab: Lab, named: bool) -> None:
    """`ended_since_ms` spares what ended before it; the window is half open."""
    ids, ends = [], []
    for _ in range(5):
        ids.append(lab.run())
        ends.append(lab.clock.now_ms())
        lab.clock.advance(1)
    window = PurgeFilter(ids=tuple(ids) if named else None, ended_since_ms=ends[1], ended_until_ms=ends[3])
    assert 1 == lab.store.purge(window, 1)
    assert [ids[0], *ids[2:]] == lab.find_all(newest_first=False)
    assert 1 == lab.store.purge(window)
    assert [ids[0], *ids[3:]] == lab.find_all(newest_first=False)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-4, 4), st.sampled_from("ab"), st.sampled_from([*_FINALS])), max_size=60),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 9)), max_size=6),
)
def test_purges_take_what_a_sorted_list_would_give(
    ends: list[tuple[int, str, Ending]], purges: list[tuple[int, int, int]]
) -> None:
    """Whatever the order of the ends, clocks set back included: the window's first by (end, id), and no dead ones."""
    lab = Lab()
    start_ms = lab.clock.now_ms()
    with _small_chunks():
        for step_s, kind, ending in ends:
            lab.clock.step_wall(timedelta(milliseconds=step_s))
            lab.run(kind=kind, ending=ending)
        there = sorted((lab.get(one).ended_ms or 0, one) for one in lab.find_all())
        for since, length, limit in purges:
            since_ms = start_ms + since - 20
            query = PurgeFilter(ended_since_ms=since_ms, ended_until_ms=since_ms + length)
            gone = [one for one in there if since_ms <= one[0] < since_ms + length][:limit]
            assert len(gone) == lab.store.purge(query, limit)
            there = [one for one in there if one not in gone]
            assert sorted(one for _, one in there) == lab.find_all(newest_first=False)
    groups = [ended for queue in lab.store._space.queues.values() for ended in queue.ended.values()]
    assert len(there) == sum(len(chunk) for ended in groups for chunk in ended._chunks)


@contextmanager
def _small_chunks() -> Iterator[None]:
    """Chunks so small that few instances make many of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rota_store_memory.ended._CHUNK", 3)
        yield


def test_purged_id_is_unknown_everywhere_and_free_again(lab: Lab) -> None:
    """Nothing remembers a purged instance; its id may come again and stands alone."""
    record = lab.record(delay_ms=1000, unique_key="k")
    for _ in range(2):
        lab.store.enqueue([record, lab.record(delay_ms=1000)])
        lab.store.append_logs([LogRecord(record.id, 1, 1, 0, 20, "line")])
        assert 1 == len(lab.store.logs(LogFilter(id=record.id)).lines)
        lab.store.cancel([record.id])
        assert [record.id] == lab.store.await_final([record.id], 0)
        assert 1 == lab.purge_all()
        assert [record.id] == lab.store.await_final([record.id], 0)
    lab.store.enqueue([record])
    lab.clock.advance(1)
    assert 3 == len(lab.claim())
    assert 3 == lab.store.count(InstanceFilter(created_since_ms=0))


def test_logs_of_a_purged_instance_are_unknown(lab: Lab) -> None:
    """What is purged is gone for readers of its logs too."""
    instance_id = lab.run()
    assert lab.store.logs(LogFilter(id=instance_id)).final
    lab.purge_all()
    with pytest.raises(UnknownInstance, match=instance_id):
        lab.store.logs(LogFilter(id=instance_id))


def _life(lab: Lab, number: int) -> None:
    """Instances in every way to an end: settled, canceled ready and delayed, expired, with keys, logs and retries."""
    ids = lab.add_many(number)
    for n, one in enumerate(lab.add_many(number // 10, delay_ms=5000, expires_after_ms=9000)):
        if n % 3:
            lab.store.cancel([one])
    for n in range(number // 20):
        lab.add(unique_key=f"k{n}", kind=f"kind-{n % 7}", rank=-n)
    lab.store.append_logs([LogRecord(one, 1, 1, 0, 20, "line") for one in ids[:100]])
    lab.store.cancel(ids[::4])
    kinds = ("add", *(f"kind-{n}" for n in range(7)))
    seq = 0
    while True:
        claims = lab.claim("w", kinds=kinds)
        if not claims:
            break
        for claim in claims:
            seq += 1
            lab.settle(claim, list(Ending)[seq % 6], retry_after_ms=None if seq % 5 else 0)
    lab.clock.advance(10)
    while lab.store.reap():
        pass
    lab.store.retire("w")
    while claims := lab.claim("v", kinds=kinds):
        for claim in claims:
            lab.settle(claim)
    lab.store.retire("v")


def test_purge_of_everything_leaves_nothing(lab: Lab) -> None:
    """After all has been purged no structure holds anything, not even dead entries."""
    _life(lab, 2000)
    assert lab.held() > 2000
    lab.purge_all()
    assert (0, []) == (lab.held(), lab.store.stats())


def test_far_bound_of_the_wait_is_forgotten_with_the_start(lab: Lab) -> None:
    """What was started, or canceled, is not kept until the end of the wait that it never used."""
    ids = lab.add_many(100, expires_after_ms=10**9)
    lab.store.cancel(ids[::3])
    for claim in lab.claim():
        lab.settle(claim)
    lab.store.retire("w")
    assert 0 == len(lab.store._space.expiry)
    lab.purge_all()
    assert 0 == lab.held()


def test_dead_entries_are_never_more_than_half(lab: Lab) -> None:
    """While some instances stay, cancels and purges leave no more dead entries than living ones, in every order."""
    ids = lab.add_many(1000) + lab.add_many(1000, delay_ms=5000, expires_after_ms=9000)
    kept = set(ids[::10])
    lab.store.cancel([one for one in ids if one not in kept])
    lab.purge_all()
    (queue,) = lab.store._space.queues.values()
    sizes = (queue.ready.size, len(queue.delayed), len(lab.store._space.expiry), len(queue.live))
    assert (200, 200, 200, 400) >= sizes
    assert all(size <= bound for size, bound in zip(sizes, (200, 200, 200, 400), strict=True))
    assert sorted(kept) == lab.find_all(newest_first=False)


def test_memory_is_given_back(lab: Lab) -> None:
    """Tens of thousands of instances queued, run and purged leave the memory where it was, within 5 %."""
    lab.run()
    lab.purge_all()
    gc.collect()
    tracemalloc.start()
    try:
        start_bytes, _ = tracemalloc.get_traced_memory()
        for _ in range(50):
            lab.add_many(1000)
        full_bytes, _ = tracemalloc.get_traced_memory()
        while claims := lab.claim("w", limit=1000):
            lab.store.cancel([claim.record.id for claim in claims[:1]])
            for claim in claims:
                lab.settle(claim)
        del claims
        lab.purge_all()
        lab.store.retire("w")
        gc.collect()
        end_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert full_bytes - start_bytes > 50_000 * 300
    assert end_bytes - start_bytes < 0.05 * (full_bytes - start_bytes)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40))
def test_any_life_leaves_nothing_after_the_purge(steps: list[tuple[int, int]]) -> None:
    """Whatever mix of enqueue, cancel, claim, settle, reap and purge: at the end nothing is left behind."""
    lab = Lab()
    for at, (step, n) in enumerate(steps):
        if step == 0:
            lab.add(rank=n, delay_ms=1000 * (n % 3), **({"expires_after_ms": 1500} if n % 2 else {}))
        elif step == 1:
            lab.store.cancel(lab.find_all()[n : n + 1])
        elif step == 2:
            for claim in lab.claim(f"w{at}", limit=n):
                lab.settle(claim, list(Ending)[n % 6], retry_after_ms=500 if n % 4 == 0 else None)
        elif step == 3:
            lab.clock.advance(n)
            lab.store.reap()
        elif step == 4:
            lab.claim(f"v{at}", limit=n)
        else:
            lab.store.purge(PurgeFilter(), n)
    for worker in lab.store.workers():
        lab.store.retire(worker.id)
    lab.clock.advance(60)
    lab.store.reap()
    lab.store.cancel(lab.find_all())
    lab.purge_all()
    assert 0 == lab.held()
