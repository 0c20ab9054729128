"""A file for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from plugins.store_sqlite.tests.lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A file that is not there yet, and stores on it."""
    lab = Lab(tmp_path / "jobs.db")
    yield lab
    lab.close()
