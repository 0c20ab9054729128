"""Small versioned documents, written all or none. A version is the revision of the commit that wrote it."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from rota.model.errors import ConfigError
from rota.model.records import Document
from rota.store.kv.keys import after
from rota.store.kv.step import Step
from rota.store.ordered_kv import Range
from rota.store.refusals import no_cursor

__all__ = ["load", "save", "scan"]

_PREFIX: Final = "after-"
_LONGEST: Final = 180  # bytes of a document's key that stand in a key as they are
_KEPT: Final = 100  # of a longer one, before its digest

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[str, bytes]).decode


def _place(step: Step, key: str) -> bytes:
    """Where a document stands. Long keys that start alike for 100 bytes stand by their digests, behind shorter ones."""
    raw = key.encode("utf-8", "surrogatepass")
    if len(raw) > _LONGEST:
        raw = raw[:_KEPT] + b"\xff" + hashlib.sha256(raw).digest()
    return step.keys.of(b"D", raw)


def load(step: Step, keys: Sequence[str]) -> list[Document | None]:
    """Documents by key, of one moment."""
    step.load(_place(step, key) for key in keys)
    return [_found(step, key) for key in keys]


def _found(step: Step, key: str) -> Document | None:
    place = _place(step, key)
    value = step.get(place)
    return None if value is None else Document(key, _decode(value)[1], step.revision_of(place))


def save(step: Step, documents: Sequence[Document], most_bytes: int) -> list[bool] | None:
    """Write all, or none when a version is not the one given: for each whether it is there afterwards."""
    size_bytes = sum(len(document.value or b"") + 2 * len(document.key) for document in documents)
    if size_bytes > most_bytes:
        raise ConfigError(
            f"save() of {len(documents)} documents with {size_bytes} bytes: this store takes {most_bytes} in one step; "
            "save fewer at a time"
        )
    places = [_place(step, document.key) for document in documents]
    step.load(places)
    for place, document in zip(places, documents, strict=True):
        step.get(place)
        if step.revision_of(place) != document.version:
            return None
    for place, document in zip(places, documents, strict=True):
        if document.value is None:
            step.delete(place)
        else:
            step.put(place, _encode((document.key, document.value)))
    return [document.value is not None for document in documents]


def scan(step: Step, prefix: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A page of those whose key starts with `prefix`, by key. Raises: QueryError. O(log n + limit)."""
    raw = prefix.encode("utf-8", "surrogatepass")
    start = step.keys.of(b"D", raw if len(raw) <= _KEPT else raw[:_KEPT])
    first = start if cursor is None else _place(step, _key_of(cursor)) + b"\0"
    found: list[Document] = []
    while True:
        size = limit + 1 - len(found)
        (page,) = step.load((), [Range(first, after(start), size)])
        for place, value, revision in page:
            key, content = _decode(value)
            if key.startswith(prefix):
                found.append(Document(key, content, revision))
            first = place + b"\0"
        if len(page) < size or len(found) > limit:
            break
    more = len(found) > limit
    found = found[:limit]
    return found, f"{_PREFIX}{found[-1].key}" if more and found else None


def _key_of(cursor: str) -> str:
    key = cursor.removeprefix(_PREFIX)
    if key == cursor:
        raise no_cursor(cursor, "scan")
    return key
