"""Hold every store of conformance/reports/matrix.toml against the whole suite, and write the reports beside it.

Usage: run_conformance.py [PROFILE] [NAME...]. PROFILE is dev or ci (the default). Exits with 1 unless all conform.
"""

import sys
import tomllib
from pathlib import Path

from rota_conformance import run

_ROOT = Path(__file__).resolve().parent.parent
_REPORTS = _ROOT / "conformance" / "reports"


def main(profile: str = "ci", *names: str) -> int:
    """Run the suite against each store, or those named."""
    matrix = tomllib.loads((_REPORTS / "matrix.toml").read_text("utf-8"))
    verdicts = []
    for name in names or matrix:
        store = matrix[name]
        report = run(store.get("store"), harness=store.get("harness"), profile=profile, quiet=True)
        print(f"{name}: {report.summary()}", flush=True)
        (_REPORTS / f"{name}-{profile}.json").write_bytes(report.to_json())
        verdicts.append(report.verdict)
    return int(set(verdicts) != {"conformant"})


if __name__ == "__main__":
    sys.path.insert(0, str(_ROOT))  # harnesses stand beside the tests
    sys.exit(main(*sys.argv[1:]))
