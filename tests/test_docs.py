"""The examples in the documents run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/guide.md")
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """(where, code) of every Python example."""
    return [
        (f"{page}-{number}", code)
        for page in PAGES
        for number, code in enumerate(EXAMPLE.findall((ROOT / page).read_text("utf-8")), 1)
    ]


def test_every_page_has_examples() -> None:
    """A page whose examples are not found would pass emptily."""
    assert {"README.md-1", "docs/guide.md-1", "docs/guide.md-7"} <= {where for where, _ in examples()}


@pytest.mark.parametrize(("where", "code"), examples(), ids=[where for where, _ in examples()])
def test_example_runs(where: str, code: str, tmp_path: Path) -> None:
    """What a reader copies works as it stands, in an interpreter of its own, with warnings as errors."""
    script = tmp_path / f"{where.replace('/', '_')}.py"
    script.write_text(code, "utf-8")
    ran = subprocess.run(
        [sys.executable, "-W", "error", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "") == (ran.returncode, ran.stderr)
