"""KVStore passes the suite, whatever the ordered KV below it is like."""

import pytest

from rota_conformance import check


@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", ["Plain", "Small", "Faulty"])
def test_kv_store_conforms(backend: str) -> None:
    """Every requirement, at profile dev. `Client`, whose leases take real time, takes two minutes: run it by hand with
    `rota conformance run --harness core.tests.store.kv.harness:Client`."""
    check(harness=f"core.tests.store.kv.harness:{backend}", profile="dev")
