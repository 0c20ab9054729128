"""The verdict of rota's suite, as part of this project's own tests."""

import pytest

from rota_conformance import check

pytest.importorskip("lmdb", reason="the LMDB store needs lmdb: pip install lmdb")


def test_store_is_conformant() -> None:
    """Every core requirement, and every feature that the store declares."""
    report = check(harness="lmdb_harness:Harness", profile="dev")
    assert {"multi_process", "durable"} <= set(report.features)
