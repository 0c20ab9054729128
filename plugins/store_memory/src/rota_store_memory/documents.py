"""Small versioned documents, written all or none."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import Final

from rota.model.records import Document
from rota.store.refusals import no_cursor, refuse_documents

__all__ = ["Documents"]

_PREFIX: Final = "after-"


class Documents:
    """The documents of a namespace. Versions rise over all keys, so that none comes back with a key."""

    __slots__ = ("_documents", "_keys", "_version")

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._keys: list[str] = []
        self._version = 0

    def load(self, keys: Sequence[str]) -> list[Document | None]:
        """Documents by key."""
        return [self._documents.get(key) for key in keys]

    def save(self, documents: Sequence[Document]) -> list[int] | None:
        """Write all, or none when a version is not the one given. Raises: ConfigError."""
        refuse_documents(documents)
        if any(self._version_of(document.key) != document.version for document in documents):
            return None
        return [self._write(document) for document in documents]

    def scan(self, prefix: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
        """A page of those whose key starts with `prefix`. Raises: QueryError. O(log n + limit)."""
        keys = self._keys
        start = bisect_left(keys, prefix) if cursor is None else bisect_right(keys, _key_of(cursor))
        found = [key for key in keys[start : start + limit] if key.startswith(prefix)]
        more = len(found) == limit and start + limit < len(keys) and keys[start + limit].startswith(prefix)
        return [self._documents[key] for key in found], f"{_PREFIX}{found[-1]}" if more and found else None

    def clear(self) -> None:
        """Remove all; versions go on rising."""
        self._documents.clear()
        self._keys.clear()

    def _version_of(self, key: str) -> int:
        found = self._documents.get(key)
        return 0 if found is None else found.version

    def _write(self, document: Document) -> int:
        key = document.key
        if document.value is None:
            if self._documents.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]
            return 0
        if key not in self._documents:
            insort(self._keys, key)
        self._version += 1
        self._documents[key] = Document(key, document.value, self._version)
        return self._version


def _key_of(cursor: str) -> str:
    key = cursor.removeprefix(_PREFIX)
    if key == cursor:
        raise no_cursor(cursor, "scan")
    return key
