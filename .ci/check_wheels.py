"""Build every distribution of the workspace as a wheel and try each one alone in a clean environment.

Usage: check_wheels.py [DIST]. The wheels go to DIST (dist/ by default). No sibling is taken from an index.
Per wheel: its modules import, each has a py.typed, its entry points load, its requirements agree, the licence
is in it; all distributions have one version; `rota version` answers it.
"""

import re
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

_ROOT = Path(__file__).resolve().parent.parent
_MANIFESTS = ("pyproject.toml", "core/pyproject.toml", "plugins/*/pyproject.toml", "conformance/pyproject.toml")
_PROBE = """
import importlib, sys
from importlib.metadata import distribution

name, *modules = sys.argv[1:]
for module in modules:
    importlib.import_module(module)
for entry_point in distribution(name).entry_points:
    entry_point.load()
"""


class WheelError(Exception):
    """A wheel that is not as it should be."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A built wheel, as its own files describe it."""

    path: Path
    files: frozenset[str]
    metadata: Message
    entry_points: str

    @property
    def name(self) -> str:
        """The name of the distribution."""
        return str(self.metadata["Name"])

    @property
    def version(self) -> str:
        """The version of the distribution."""
        return str(self.metadata["Version"])

    @property
    def modules(self) -> list[str]:
        """The packages it installs."""
        return sorted(file.split("/")[0] for file in self.files if re.fullmatch(r"\w+/__init__\.py", file))


def read(path: Path) -> Wheel:
    """Open a wheel."""
    with ZipFile(path) as archive:
        files = frozenset(archive.namelist())
        metadata = next(file for file in files if file.endswith(".dist-info/METADATA"))
        entry_points = metadata.replace("METADATA", "entry_points.txt")
        return Wheel(
            path,
            files,
            Parser().parsestr(archive.read(metadata).decode()),
            archive.read(entry_points).decode() if entry_points in files else "",
        )


def run(*command: str | Path, cwd: Path = _ROOT) -> str:
    """Run a command and answer what it printed; WheelError with that text when it fails."""
    done = subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise WheelError(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def pip(*arguments: str | Path) -> None:
    """Run this environment's pip."""
    run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments)


def build(dist: Path) -> list[Wheel]:
    """Build all wheels into an emptied `dist`."""
    dist.mkdir(parents=True, exist_ok=True)
    for old in dist.glob("*.whl"):
        old.unlink()
    folders = [manifest.parent for pattern in _MANIFESTS for manifest in sorted(_ROOT.glob(pattern))]
    pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", dist, *folders)
    return [read(path) for path in sorted(dist.glob("*.whl"))]


def check_contents(wheel: Wheel) -> None:
    """Refuse a wheel without its types or its licence."""
    wanted = {f"{module}/py.typed" for module in wheel.modules}
    wanted.add(f"{wheel.path.name.removesuffix('-py3-none-any.whl')}.dist-info/licenses/LICENSE")
    if missing := sorted(wanted - wheel.files):
        raise WheelError(f"missing in the wheel: {', '.join(missing)}")


def check_versions(wheel: Wheel, siblings: list[Wheel]) -> None:
    """Refuse a wheel that pins a sibling to another version than the one just built, or not at all."""
    built = {sibling.name: sibling.version for sibling in siblings}
    if wheel.version != built["rota-core"]:
        raise WheelError(f"version {wheel.version}, but rota-core has {built['rota-core']}: they are released together")
    for requirement in wheel.metadata.get_all("Requires-Dist", []):
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        if name in built and f"=={built[name]}" not in requirement:
            raise WheelError(f"requires {requirement!r}; siblings are pinned: {name}=={built[name]}")


def check_alone(wheel: Wheel, siblings: list[Wheel]) -> None:
    """Install one wheel into a clean environment and use what it brings."""
    with tempfile.TemporaryDirectory(prefix=f"{wheel.name}-") as folder:
        home = Path(folder)
        venv.create(home / "env")
        python = home / "env" / "bin" / "python"
        ours = home / "siblings.txt"  # a sibling's name on an index, whoever owns it there, is never asked for
        ours.write_text("".join(f"{each.name} @ {each.path.as_uri()}\n" for each in siblings if each is not wheel))
        links = ("--find-links", wheel.path.parent)
        pip("--python", python, "install", *links, "-c", ours, "-c", _ROOT / "constraints.txt", wheel.path)
        pip("--python", python, "check")
        (home / "probe.py").write_text(_PROBE)
        run(python, "-I", home / "probe.py", wheel.name, *wheel.modules, cwd=home)
        if re.search(r"^rota *=", wheel.entry_points, re.MULTILINE):
            check_command(home / "env" / "bin" / "rota", wheel.version, home)


def check_command(command: Path, version: str, cwd: Path) -> None:
    """Ask the installed command for its version."""
    answer = run(command, "version", cwd=cwd)
    if version not in answer:
        raise WheelError(f"`rota version` answers {answer!r}, not {version}")


def main(dist: Path) -> int:
    """Build and check all; the exit code."""
    wheels, failed = build(dist), 0
    for wheel in wheels:
        try:
            check_contents(wheel)
            check_versions(wheel, wheels)
            check_alone(wheel, wheels)
        except WheelError as error:
            failed += 1
            print(f"FAILED {wheel.path.name}: {error}", file=sys.stderr)
        else:
            print(f"ok     {wheel.path.name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else _ROOT / "dist").resolve()))
