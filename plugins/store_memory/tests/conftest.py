"""A store for each test."""

from collections.abc import Iterator

import pytest
from plugins.store_memory.tests.lab import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A private store under a fake clock; what a test left blocked is ended."""
    lab = Lab()
    yield lab
    lab.close()
