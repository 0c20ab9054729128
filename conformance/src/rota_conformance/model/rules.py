"""Documents and recurring rules of the model."""

from collections.abc import Sequence

from msgspec.structs import replace

from rota.model.errors import ConfigError
from rota.model.records import Document, InstanceRecord, ScheduleRecord
from rota.store.contract import MAX_DOCUMENT_BYTES, MAX_DOCUMENTS, FireAnswer
from rota_conformance.model.book import Book
from rota_conformance.model.queue import enqueue

__all__ = ["fire", "put_schedule", "save"]

_RULE = ("trigger", "template", "misfire", "misfire_cap", "overlap")


def put_schedule(book: Book, schedule: ScheduleRecord) -> ScheduleRecord:
    """Add or change a rule; what it lived through stays."""
    identity = schedule.name, schedule.owner or ""
    old = book.schedules.get(identity)
    if old is not None:
        same = all(getattr(old, name) == getattr(schedule, name) for name in _RULE)
        if same and old.revision == schedule.revision:
            return old
        schedule = replace(
            schedule,
            paused=old.paused,
            last_slot_ms=old.last_slot_ms,
            last_id=old.last_id,
            next_slot_ms=old.next_slot_ms if same else schedule.next_slot_ms,
        )
    return _put(book, schedule)


def _put(book: Book, schedule: ScheduleRecord) -> ScheduleRecord:
    book.version += 1
    stored = replace(schedule, version=book.version)
    book.schedules[schedule.name, schedule.owner or ""] = stored
    return stored


def fire(
    book: Book, schedule: ScheduleRecord, slot_ms: int, next_ms: int | None, records: Sequence[InstanceRecord],
    max_bytes: int, now_ms: int,
) -> FireAnswer:  # fmt: skip
    """Pass one slot of a rule, when the version is still the one that the caller saw."""
    rule = book.schedules.get((schedule.name, schedule.owner or ""))
    if rule is None or rule.version != schedule.version:
        return "lost"
    last = book.instances.get(rule.last_id or "")
    skipped = rule.overlap == "skip" and last is not None and not last.state.final
    ids = [] if skipped else [enqueue(book, record, max_bytes, now_ms).id for record in records]
    passed = {"last_slot_ms": slot_ms, "next_slot_ms": next_ms, "last_id": ids[-1] if ids else rule.last_id}
    _put(book, replace(rule, **passed))
    return "skipped" if skipped else "fired"


def save(book: Book, documents: Sequence[Document]) -> list[int] | None:
    """Write all documents or none."""
    if len(documents) > MAX_DOCUMENTS or any(len(one.value or b"") > MAX_DOCUMENT_BYTES for one in documents):
        raise ConfigError("too many documents, or one too large")
    stored = {key: one.version for key, one in book.documents.items()}
    if any(stored.get(one.key, 0) != one.version for one in documents):
        return None
    return [_write(book, one) for one in documents]


def _write(book: Book, document: Document) -> int:
    if document.value is None:
        book.documents.pop(document.key, None)
        return 0
    book.version += 1
    book.documents[document.key] = replace(document, version=book.version)
    return book.version
