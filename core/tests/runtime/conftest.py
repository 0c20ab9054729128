"""A manager on a memory store, a clock that stands still, and a gate that lets go in the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from core.tests.runtime.harness import Gate

from rota import Manager
from rota.testing import FakeClock, Harness, harness


@pytest.fixture
def manager() -> Iterator[Manager]:
    """A manager on a memory store of its own, connected."""
    with Manager("memory://") as manager:
        yield manager


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when told."""
    return FakeClock()


@pytest.fixture
def kit() -> Iterator[Harness]:
    """The harness of a manager, its randomness from a fixed seed."""
    with harness(Manager("memory://")) as kit:
        yield kit


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate, opened in the end at the latest, so that no job outlives its test."""
    gate = Gate()
    yield gate
    gate.open()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give up early on a test that fails while the clock stands still: its worker waits for ever to be stopped."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(30))
