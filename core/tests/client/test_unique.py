"""Unique keys: one live instance stands for all calls with that key."""

from typing import Literal

import pytest
from core.tests.client.managers import ByHand, Watched, fresh_url, managed

from rota import ArgumentError, Manager, State
from rota.model.records import Ending, Outcome
from rota.testing import FakeClock


def invoice(tenant: str, order: int = 1, *, copies: int = 1) -> str:
    """A job."""
    return tenant


def test_second_call_gets_the_live_one_marked_duplicate() -> None:
    """By the key that its arguments make; another key is another instance."""
    with managed() as manager:
        job = manager.job(unique_key="invoice:{tenant}:{order}")(invoice)
        first, second, other = job.schedule("a", 7), job.schedule("a", order=7), job.schedule("b", 7)
        assert [False, True, False] == [one.duplicate for one in (first, second, other)]
        assert (first.id, "invoice:a:7") == (second.id, second.unique_key)
        assert 2 == manager.count()


def test_defaults_of_the_function_fill_the_key() -> None:
    """A call that leaves an argument out means the same as one that says its default."""
    with managed() as manager:
        job = manager.job(unique_key="{tenant}:{order}:{copies}")(invoice)
        assert job.schedule("a").id == job.schedule("a", 1, copies=1).id


@pytest.mark.parametrize(("until", "while_running"), [("finished", True), ("started", False)])
def test_key_is_free_again_once_it_is_started_or_finished(
    until: Literal["started", "finished"], while_running: bool
) -> None:
    """`unique_until` decides whether a running one still counts; a final one never does."""
    with managed() as manager:
        job = manager.job(unique_key="{tenant}", unique_until=until)(invoice)
        first = job.schedule("a")
        worker = ByHand(manager)
        (claim,) = worker.claim("invoice")
        assert while_running == job.schedule("a").duplicate
        worker.end("invoice")
        worker.store.settle([Outcome(claim.record.id, claim.token, Ending.COMPLETED)])
        assert State.COMPLETED == first.refresh().state
        assert not job.schedule("a").duplicate


def test_option_replaces_or_lifts_the_key_of_the_job() -> None:
    """`unique_key=None` is a call without."""
    with managed() as manager:
        job = manager.job(unique_key="{tenant}")(invoice)
        job.schedule("a")
        without = job.options(unique_key=None).schedule("a")
        by_order = job.options(unique_key="by-order:{order}").schedule("a", 7)
        assert (None, False) == (without.unique_key, without.duplicate)
        assert ("by-order:7", False) == (by_order.unique_key, by_order.duplicate)


def test_remote_call_has_the_key_that_workers_published() -> None:
    """By the descriptor in the store: names of positions, key and priority; as if the job were known here."""
    url, clock = fresh_url(), FakeClock()
    with managed(clock, url) as here, managed(clock, url) as elsewhere:
        job = here.job(unique_key="{tenant}:{order}", priority=2)(invoice)
        here._store.put_kinds([job.definition.descriptor()])
        first = job.schedule("a", 7)
        for second in (
            elsewhere.remote("invoice").schedule("a", 7),
            elsewhere.remote("invoice").schedule("a", order=7),
        ):
            assert (first.id, True) == (second.id, second.duplicate)


def test_remote_call_fills_the_key_with_published_defaults() -> None:
    """Plain ones; what a descriptor can't carry is an error that says what is missing."""
    url, clock = fresh_url(), FakeClock()
    with managed(clock, url) as here, managed(clock, url) as elsewhere:
        job = here.job(unique_key="{tenant}:{order}")(invoice)
        here._store.put_kinds([job.definition.descriptor()])
        assert job.schedule("a").id == elsewhere.remote("invoice").schedule("a").id
        with pytest.raises(ArgumentError, match="no tenant"):
            elsewhere.remote("invoice").schedule()


def test_default_too_long_to_be_published_is_never_guessed() -> None:
    """Descriptors shorten long values; a key made of the short form would be another one."""
    url, clock = fresh_url(), FakeClock()
    with managed(clock, url) as here, managed(clock, url) as elsewhere:

        @here.job(unique_key="{text}")
        def long_default(text: str = "x" * 500) -> None: ...

        here._store.put_kinds([long_default.definition.descriptor()])
        with pytest.raises(ArgumentError, match="no text"):
            elsewhere.remote("long_default").schedule()


def test_published_kinds_are_asked_for_once_in_five_seconds() -> None:
    """Scheduling by name costs no extra round trip each time; news arrive all the same."""
    clock = FakeClock()
    store = Watched.memory(clock=clock)
    manager = managed(clock)
    manager.use_store(store)
    with manager:
        for _ in range(3):
            manager.remote("later").schedule()
        assert 1 == [name for name, _ in store.asked].count("kinds")
        manager.job(kind="later", unique_key="one")(lambda: None)
        manager._store.put_kinds([manager["later"].definition.descriptor()])
        clock.advance(5)
        assert [False, True] == [manager.remote("later").schedule().duplicate for _ in range(2)]


def test_many_duplicates_cost_one_question() -> None:
    """The holders of a batch are read together."""
    store = Watched.memory()
    with Manager(store) as manager:
        job = manager.job(unique_key="{tenant}")(invoice)
        made = manager.schedule_many([job.call("a")] * 100)
        assert (1, 99) == (len({one.id for one in made}), sum(one.duplicate for one in made))
        assert [1] == [len(set(arguments[0])) for name, arguments in store.asked if name == "get"]


def test_key_is_that_of_its_kind() -> None:
    """Two kinds may use one text."""
    with managed() as manager:
        first = manager.job(kind="a", unique_key="same")(invoice).schedule("x")
        second = manager.job(kind="b", unique_key="same")(invoice).schedule("x")
        assert (False, State.SCHEDULED) == (second.duplicate, second.state)
        assert first.id != second.id


def test_holder_that_was_purged_meanwhile_is_told_as_gone() -> None:
    """Between the answer and the question about it; the call was absorbed by one that has ended since."""

    class Forgetful(Watched):
        def get(self, ids: list[str]) -> list[None]:
            return [None for _ in ids]

        def namespaced(self, namespace: str) -> "Forgetful":
            return self

    with Manager(Forgetful(Watched.memory()._store, [], frozenset())) as manager:
        job = manager.job(unique_key="one")(invoice)
        first, second = job.schedule("a"), job.schedule("a")
        assert (first.id, True, State.CANCELED) == (second.id, second.duplicate, second.state)
