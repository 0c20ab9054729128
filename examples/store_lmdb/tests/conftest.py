"""The package is tested where it lies, installed or not, and child processes find the harness by its name."""

import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "src"), str(Path(__file__).parent)]

if os.environ.get("CI"):
    import lmdb  # noqa: F401 - elsewhere tests are skipped without it
