"""Connections: made at first use, let go by who holds them, made anew after a close and a fork."""

from typing import Any

import pytest
from core.tests.client.managers import Watched

from rota import ConfigError
from rota.client.connection import Connection
from rota.model.errors import StoreUnavailable


class Opener:
    """Counts the stores that were made, and notes what they are asked."""

    def __init__(self, *, failing: int = 0) -> None:
        self.made: list[Watched] = []
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self.failing = failing

    def __call__(self) -> Any:
        """A store."""
        if self.failing:
            self.failing -= 1
            raise StoreUnavailable("not yet")
        store = Watched.memory()
        store.asked = self.asked
        self.made.append(store)
        return store

    def count(self, name: str) -> int:
        """How often an operation was asked for."""
        return [one for one, _ in self.asked].count(name)


def test_store_is_opened_at_first_use_and_once() -> None:
    """Making a connection connects nothing."""
    opener = Opener()
    connection = Connection(opener, "priority")
    assert (0, False) == (len(opener.made), connection.is_open)
    assert connection.store is connection.store
    assert (1, 1, True) == (len(opener.made), opener.count("open"), connection.is_open)


def test_closed_connection_opens_the_same_store_again() -> None:
    """A memory store lives as long as its object."""
    opener = Opener()
    connection = Connection(opener, "priority")
    first = connection.store
    connection.close()
    connection.close()
    assert (False, 1) == (connection.is_open, opener.count("close"))
    assert first is connection.store
    assert (1, 2) == (len(opener.made), opener.count("open"))


def test_store_that_does_not_answer_is_tried_anew_at_the_next_use() -> None:
    """No failure is kept."""
    opener = Opener(failing=1)
    connection = Connection(opener, "priority")
    with pytest.raises(StoreUnavailable):
        _ = connection.store
    assert connection.store is opener.made[0]


def test_refused_policy_leaves_no_connection_open() -> None:
    """Whoever opened it closes it."""
    opener = Opener()
    connection = Connection(opener, "priority")
    _ = connection.store
    other = Connection(lambda: opener.made[0], "fifo")  # type: ignore[arg-type, return-value]
    with pytest.raises(ConfigError, match="'default' keeps its queue by policy 'priority', this manager by 'fifo'"):
        _ = other.store
    assert (False, 1) == (other.is_open, opener.count("close"))


def test_view_shares_the_connection_and_leaves_it_open() -> None:
    """Its base goes on using it."""
    opener = Opener()
    connection = Connection(opener, "priority")
    _ = connection.store
    view = connection.namespaced("other")
    assert ("other", 1) == (view.store.namespace, opener.count("open"))
    view.close()
    assert (True, 0) == (connection.is_open, opener.count("close"))
    assert "other" == view.store.namespace


def test_view_that_opened_the_connection_closes_it() -> None:
    """`with Manager(...).namespaced(...)`: nobody else would."""
    opener = Opener()
    connection = Connection(opener, "priority")
    view = connection.namespaced("other")
    _ = view.store
    view.close()
    assert (False, 1) == (connection.is_open, opener.count("close"))
    _ = view.store
    assert (2, 1) == (opener.count("open"), len(opener.made))


def test_view_follows_its_base_through_close_and_open() -> None:
    """Never a closed store behind an open view."""
    connection = Connection(Opener(), "priority")
    _ = connection.store
    view = connection.namespaced("other")
    first = view.store
    connection.close()
    assert not view.is_open
    assert first is view.store
    assert connection.is_open


def test_connection_without_a_policy_takes_the_namespaces() -> None:
    """Whoever only looks, or schedules by name, has no say in it; and each namespace has its own."""
    opener = Opener()
    _ = Connection(opener, "fifo").store
    anybody = Connection(lambda: opener.made[0], None)  # type: ignore[arg-type, return-value]
    _ = anybody.namespaced("other").store, Connection(lambda: opener.made[0].namespaced("other"), "deadline").store  # type: ignore[attr-defined]
    assert ("fifo", "deadline") == (anybody.policy, anybody.namespaced("other").policy)


def test_namespace_has_no_policy_before_somebody_ranks_by_it() -> None:
    """A look at a new namespace leaves the choice to its first manager; a first instance makes the default its own."""
    opener = Opener()
    looking, ranking = Connection(opener, None), Connection(opener, None)
    assert [None] == looking.store.load(["rota/policy"])
    assert "priority" == ranking.policy
    with pytest.raises(ConfigError, match="by policy 'priority', this manager by 'fifo'"):
        _ = Connection(lambda: opener.made[-1], "fifo").store  # type: ignore[arg-type, return-value]
