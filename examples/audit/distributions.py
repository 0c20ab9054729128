"""Where this machine keeps Python packages, and which distributions are installed there."""

import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

DEBIAN = Path("/usr/lib/python3/dist-packages")  # packages that came with the system, on Debian and its children


def site_packages() -> list[Path]:
    """The folders of this interpreter, of the one behind its virtual environment, and of the system."""
    base = {"base": sys.base_prefix, "platbase": sys.base_prefix}
    schemes = sysconfig.get_paths(), sysconfig.get_paths(vars=base)
    folders = [Path(scheme[key]) for scheme in schemes for key in ("purelib", "platlib")]
    return [folder for folder in [*folders, DEBIAN] if folder.is_dir()]


def find_distributions(folders: Iterable[Path]) -> list[Path]:
    """The metadata (`NAME-VERSION.dist-info`) of every distribution in the folders, longest RECORD last.

    Two names of one folder count once. Names with a tilde are what an interrupted uninstall left behind.
    """
    unique = dict.fromkeys(folder.resolve() for folder in folders)
    found = [one for folder in unique for one in folder.iterdir() if one.suffix in (".dist-info", ".egg-info")]
    return sorted((one for one in found if not one.name.startswith("~")), key=lambda one: (_record_size(one), one))


def name_and_version(metadata: Path) -> tuple[str, str]:
    """What the name of the metadata says: `("rich", "15.0.0")` for `rich-15.0.0.dist-info`."""
    name, version = [*metadata.stem.split("-"), ""][:2]
    return name, version


def _record_size(metadata: Path) -> int:
    record = metadata / "RECORD"
    return record.stat().st_size if record.is_file() else 0
