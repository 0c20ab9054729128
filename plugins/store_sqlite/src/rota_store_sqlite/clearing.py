"""`clear`: remove everything in a namespace."""

from typing import Final

from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step
from rota_store_sqlite.topics import CHANGES, ENDED, LINES, WORK, WORKER

__all__ = ["clear"]

_CLEAR: Final = statements("clear")
_NAMESPACE: Final = statements("namespace")


def clear(step: Step) -> None:
    """Remove it, and let every blocked call answer. Followers of changes are told that they missed some."""
    for statement in _CLEAR.values():
        step.connection.execute(statement, {"ns": step.ns})
    step.connection.execute(_NAMESPACE["drop_changes"], (step.ns,))
    step.rings = WORK | ENDED | WORKER | LINES | CHANGES
