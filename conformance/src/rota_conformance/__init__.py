"""The conformance suite of rota: proves that a store meets `rota.store.contract`.

`rota conformance run --store URL` runs it; `check(URL)` does in a test of one's own, and fails unless the verdict is
`conformant`; a `StoreHarness` tells it what a URL can't.
"""

from rota_conformance.harness import StoreHarness
from rota_conformance.report import Report
from rota_conformance.requirements import REQUIREMENTS, Requirement
from rota_conformance.running import check, run

__all__ = ["REQUIREMENTS", "Report", "Requirement", "StoreHarness", "check", "run"]
