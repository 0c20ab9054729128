"""The processes below this one: children, and theirs."""

import os
from pathlib import Path
from typing import Final

__all__ = ["descendants"]

_PROC: Final = Path("/proc")  # Linux; elsewhere none are found


def descendants(ancestor: int | None = None) -> set[int]:
    """The process ids below `ancestor` (this process by default), those that ended and were not awaited included."""
    parents = {int(entry.name): _parent(entry) for entry in _PROC.glob("[0-9]*")}
    found: set[int] = set()
    layer = {os.getpid() if ancestor is None else ancestor}
    while layer:
        layer = {one for one, parent in parents.items() if parent in layer}
        found |= layer
    return found


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):  # it has ended meanwhile
        return 0
