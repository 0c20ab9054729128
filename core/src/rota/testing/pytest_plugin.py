"""For pytest: `pytest_plugins = ["rota.testing.pytest_plugin"]` in a conftest.py gives the fixture `rota_harness`."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from rota.testing.harness import Harness, harness

if TYPE_CHECKING:
    from rota.manager.manager import Manager

__all__ = ["MakeHarness", "rota_harness"]


class MakeHarness(Protocol):
    """What the fixture gives: `rota.testing.harness`, entered at once."""

    def __call__(
        self, manager: "Manager", *, start: datetime = ..., rng: Random | None = None, max_runs: int = ...
    ) -> Harness:
        """The harness of a manager, until the end of the test."""
        ...


@pytest.fixture
def rota_harness() -> Iterator[MakeHarness]:
    """Put a store and a clock of the test under a manager, until the end of the test: `rota_harness(app.manager)`."""
    with ExitStack() as stack:

        def make(manager: "Manager", **options: Any) -> Harness:
            return stack.enter_context(harness(manager, **options))

        yield make
