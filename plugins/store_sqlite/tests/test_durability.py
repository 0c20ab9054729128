"""The suite's own tests of durability, with each way of writing that the URL offers."""

from pathlib import Path

import pytest
from plugins.store_sqlite.tests.lab import url_of

from rota_conformance import run


@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_what_was_answered_is_kept(synchronous: str, tmp_path: Path) -> None:
    """When a process is killed in the midst of writing, when all are, and when connections go."""
    report = run(
        url_of(tmp_path / "jobs.db", synchronous=synchronous),
        harness="plugins.store_sqlite.tests.harness:Harness",
        pytest_args=("-k", "test_durability"),
        quiet=True,
    )
    found = {one.id: (one.outcome, one.reason) for one in report.results if one.id.startswith("DUR-")}
    assert dict.fromkeys(["DUR-1", "DUR-2", "DUR-3"], ("passed", "")) == found
