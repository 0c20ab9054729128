"""A small site-packages, and the demo's modules as its script sees them."""

import importlib
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
MODULES = [file.stem for file in HERE.glob("*.py") if file.stem not in ("conftest", "test_audit")]


class SitePackages:
    """A folder of made-up distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    def install(self, name: str, files: Mapping[str, bytes], *, more: str = "") -> Path:
        """Write the files and a RECORD of them, with `more` lines at its end; the metadata folder."""
        metadata = self.folder / f"{name}-1.0.dist-info"
        metadata.mkdir()
        lines = [f"{path},{recorded_hash(content)},{len(content)}\n" for path, content in files.items()]
        for path, content in files.items():
            self.write(path, content)
        (metadata / "RECORD").write_text("".join(lines) + more + f"{metadata.name}/RECORD,,\n")
        return metadata

    def write(self, path: str, content: bytes) -> Path:
        """Write one file, at a path as RECORD gives it."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file


def recorded_hash(content: bytes) -> str:
    """The hash of that content, as an installer notes it."""
    return f"sha256={urlsafe_b64encode(sha256(content).digest()).decode().rstrip('=')}"


@pytest.fixture
def site(tmp_path: Path) -> SitePackages:
    """An empty site-packages, two folders below a `lib`."""
    return SitePackages(tmp_path / "lib" / "python" / "site-packages")


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module main, imported anew; its siblings have common names, so nothing of them stays behind."""
    monkeypatch.syspath_prepend(HERE)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("main")
    for name in MODULES:
        sys.modules.pop(name, None)
