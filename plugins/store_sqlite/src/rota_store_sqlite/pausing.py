"""`pause` and `resume`: kinds that no claim may take."""

from collections.abc import Iterable
from typing import Final

from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step
from rota_store_sqlite.topics import WORK

__all__ = ["pause", "resume"]

_NAMESPACE: Final = statements("namespace")


def pause(step: Step, names: Iterable[str]) -> None:
    """Let no claim take these kinds, those without an instance either."""
    for name in names:
        step.connection.execute(_NAMESPACE["pause_kind"], (1, step.made_kind(name).id))


def resume(step: Step, names: Iterable[str]) -> None:
    """Undo it."""
    for kind in step.named_kinds(names):
        step.connection.execute(_NAMESPACE["pause_kind"], (0, kind.id))
        step.connection.execute(_NAMESPACE["drop_kind_if_empty"], (kind.id,))
    step.rings |= WORK
