"""What limits let start: lanes and gates are counted anew at every question, rates in exact fractions."""

from fractions import Fraction

from rota.model.records import LimitRecord
from rota.model.state import State
from rota_conformance.model.book import Book
from rota_conformance.model.instance import Instance

__all__ = ["may_start", "note_start"]


def may_start(book: Book, one: Instance, now_ms: int) -> bool:
    """Whether no limit of its kind holds it back."""
    return all(_has_room(book, one, lane, limit, now_ms) for lane, limit in _limits_of(book, one))


def note_start(book: Book, one: Instance, now_ms: int) -> None:
    """Take of the rates; the running are counted by their state."""
    for lane, limit in _limits_of(book, one):
        if limit.rate_count and limit.rate_ms:
            full = max(book.full.get((one.kind, lane), Fraction(0)), Fraction(now_ms))
            book.full[one.kind, lane] = full + Fraction(limit.rate_ms, limit.rate_count)


def _limits_of(book: Book, one: Instance) -> list[tuple[str | None, LimitRecord]]:
    """The limits that it is under, each with the lane that is counted; None is the gate."""
    descriptor = book.kinds.get(one.kind)
    found = () if descriptor is None else descriptor.limits
    lane = one.record.lane
    return [(limit.key and lane, limit) for limit in found if limit.key is None or lane is not None]


def _has_room(book: Book, one: Instance, lane: str | None, limit: LimitRecord, now_ms: int) -> bool:
    running = sum(
        other.state is State.PROCESSING and other.kind == one.kind and lane in (None, other.record.lane)
        for other in book.instances.values()
    )
    if limit.max_running is not None and running >= limit.max_running:
        return False
    if not limit.rate_count or not limit.rate_ms:
        return True
    full = max(book.full.get((one.kind, lane), Fraction(0)), Fraction(now_ms))
    return full + Fraction(limit.rate_ms, limit.rate_count) <= now_ms + limit.rate_ms
