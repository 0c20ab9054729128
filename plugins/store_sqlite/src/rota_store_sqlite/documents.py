"""Small versioned documents, written all or none."""

from collections.abc import Sequence
from typing import Final

from rota.model.records import Document
from rota.store.refusals import no_cursor
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step

__all__ = ["load", "save", "scan"]

_DOCUMENT: Final = statements("document")
_NAMESPACE: Final = statements("namespace")
_PREFIX: Final = "after-"
_LAST: Final = "\U0010ffff"  # sorts behind whatever may follow a prefix


def load(step: Step, keys: Sequence[str]) -> list[Document | None]:
    """Documents by key."""
    rows = [(key, step.one(_DOCUMENT, "find", step.ns, key)) for key in keys]
    return [None if row is None else Document(key, *row) for key, row in rows]


def save(step: Step, documents: Sequence[Document]) -> list[int] | None:
    """Write all, or none when a version is not the one given."""
    for document in documents:
        found = step.one(_DOCUMENT, "find", step.ns, document.key)
        if document.version != (0 if found is None else found[1]):
            return None
    return [_write(step, document) for document in documents]


def _write(step: Step, document: Document) -> int:
    if document.value is None:
        step.connection.execute(_DOCUMENT["drop"], (step.ns, document.key))
        return 0
    (version,) = step.one(_NAMESPACE, "take_version", step.ns)
    step.connection.execute(_DOCUMENT["save"], (step.ns, document.key, document.value, version))
    return int(version)


def scan(step: Step, prefix: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A page of those whose key starts with `prefix`. Raises: QueryError. O(log n + limit)."""
    name, start = ("first_page", prefix) if cursor is None else ("page", _key_of(cursor))
    parameters = (step.ns, start, prefix + _LAST, limit + 1)
    rows = step.connection.execute(_DOCUMENT[name], parameters).fetchall()
    found = [Document(*row) for row in rows[:limit]]
    return found, f"{_PREFIX}{found[-1].key}" if len(rows) > limit and found else None


def _key_of(cursor: str) -> str:
    key = cursor.removeprefix(_PREFIX)
    if key == cursor:
        raise no_cursor(cursor, "scan")
    return key
