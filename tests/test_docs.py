"""The examples in the documents run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/guide.md", "docs/write-a-store.md", "plugins/store_memory/README.md")
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)
QUOTED = re.compile(r"```py\n# (examples/\S+)\n\n?(.*?)```", re.DOTALL)

#: A worker tells of failed attempts in `logging`, which an example may show: its lines go to a file, so that
#: what is left on stderr is a warning, or the traceback of an example that is wrong.
LOG_TO_FILE = "import logging; logging.basicConfig(filename='example.log')\n"


def examples() -> list[tuple[str, str]]:
    """(where, code) of every Python example."""
    return [
        (f"{page}-{number}", code)
        for page in PAGES
        for number, code in enumerate(EXAMPLE.findall((ROOT / page).read_text("utf-8")), 1)
    ]


def run_example(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The example in an interpreter of its own, with warnings as errors, far from any configuration."""
    script = folder / "example.py"
    script.write_text(LOG_TO_FILE + code, "utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROTA_")}
    return subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_every_page_has_examples() -> None:
    """A page whose examples are not found would pass emptily."""
    assert set(PAGES) == {where.rpartition("-")[0] for where, _ in examples()}


@pytest.mark.parametrize(("where", "code"), examples(), ids=[where for where, _ in examples()])
def test_example_runs(where: str, code: str, tmp_path: Path) -> None:
    """What a reader copies works as it stands; nothing but log lines tells of jobs that fail on purpose."""
    ran = run_example(code, tmp_path)
    assert (0, "") == (ran.returncode, ran.stderr), where


def test_files_shown_are_the_files() -> None:
    """What a reader copies is what the example's own tests try."""
    quoted = QUOTED.findall((ROOT / "docs/write-a-store.md").read_text("utf-8"))
    assert quoted
    for path, text in quoted:
        assert (ROOT / path).read_text("utf-8") == text, path


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("assert 1 == 2", "AssertionError"),
        ("import warnings; warnings.warn('old', DeprecationWarning)", "DeprecationWarning"),
        ("import threading; threading.Thread(target=lambda: 1 / 0).start()", "ZeroDivisionError"),
    ],
    ids=["assertion", "warning", "thread"],
)
def test_wrong_example_is_noticed(code: str, said: str, tmp_path: Path) -> None:
    """Sending log lines to a file hides no failed assertion, no warning and no error in a thread."""
    assert said in run_example(code, tmp_path).stderr
