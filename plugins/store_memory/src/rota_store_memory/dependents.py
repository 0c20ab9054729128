"""Which instances wait for which: the edges from a parent to what depends on it."""

from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["Dependents"]

_NONE: Final[dict[str, None]] = {}


class Dependents:
    """Edges of dependents that are not final. A waiting one has the set of its parents that have not ended: a set,
    never a number, so that no repeated step is counted twice.

    A parent has its dependents, released ones too, in the order in which they came: until they are final it is not
    purged.
    """

    __slots__ = ("_children", "_left")

    def __init__(self) -> None:
        self._children: dict[str, dict[str, None]] = {}
        self._left: dict[str, set[str]] = {}

    def __len__(self) -> int:
        """How many instances are on either side of an edge."""
        return len(self._children) + len(self._left)

    def add(self, child: str, parents: Iterable[str], left: set[str]) -> None:
        """Let `child` depend on `parents`, and wait for those in `left`."""
        for parent in parents:
            self._children.setdefault(parent, {})[child] = None
        if left:
            self._left[child] = left

    def of(self, parent: str) -> Sequence[str]:
        """What depends on `parent` and is not final."""
        return tuple(self._children.get(parent, _NONE))

    def hold(self, parent: str) -> bool:
        """Whether something that is not final depends on `parent`."""
        return parent in self._children

    def left(self, child: str) -> int:
        """How many parents `child` still waits for."""
        return len(self._left.get(child, ()))

    def note_ended(self, parent: str, child: str) -> bool:
        """Let `child` wait for `parent` no more; True when that was the last one."""
        left = self._left.get(child)
        if left is None:
            return False
        left.discard(parent)
        if left:
            return False
        del self._left[child]
        return True

    def forget(self, child: str, parents: Iterable[str]) -> None:
        """`child` is final: it needs its parents no more."""
        self._left.pop(child, None)
        for parent in parents:
            children = self._children.get(parent)
            if children is not None:
                children.pop(child, None)
                if not children:
                    del self._children[parent]
