"""The last state changes of a namespace, for those who follow it; nothing is kept before somebody asks.

A commit that changes states puts them as one value into the ring of its shard, the one where it keeps its counters: so
following makes no commits meet that did not meet before. The order of the whole is that of the revisions, and a cursor
says how far its owner is in each ring.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from rota.model.records import Change, ChangePage, TransitionRecord
from rota.store.kv.keys import number
from rota.store.ordered_kv import Found
from rota.store.refusals import cursor_expired, no_cursor

if TYPE_CHECKING:
    from rota.store.kv.step import Step

__all__ = ["changes_head", "page", "start_following", "write_changes"]

_KEPT: Final = 100_000  # changes of one shard
_SLACK: Final = 1_000  # dropped at once, so that it is not done for each
_DROPPED: Final = 8  # values that one commit drops at most
_SHARDS: Final = 16
_READ: Final = 64  # values of each ring that one look takes
_VALUE_BYTES: Final = 64 * 1024  # about what one value holds
_PREFIX: Final = "change"

_Item = tuple[bytes, str, TransitionRecord]
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[_Item]).decode


class _Head(msgspec.Struct, array_like=True):
    """A ring holds the values [first, next), with so many changes."""

    first: int = 0
    next: int = 0
    kept: int = 0


_decode_head: Final = msgspec.msgpack.Decoder(_Head).decode


class _Cursor(NamedTuple):
    """Since which revision of the mark it is valid, the next value of each ring, and how many changes to skip in the
    first one."""

    epoch: int
    rings: tuple[int, ...]
    skip: int

    def __str__(self) -> str:
        rings = ".".join(f"{one:x}" for one in self.rings)
        return f"{_PREFIX}-{self.epoch:x}-{rings}-{self.skip:x}"


def changes_head(step: "Step") -> bytes:
    """The key of the ring of this step's shard."""
    return step.keys.of(b"H", bytes([step.shard]))


def write_changes(step: "Step") -> None:
    """Put what the step gathered, and drop what is beyond the bound."""
    if not step.changes:
        return
    key = changes_head(step)
    value = step.get(key)
    head = _Head() if value is None else _decode_head(value)
    ring = step.keys.of(b"v", bytes([step.shard]))
    for packed in _packed(step.changes):
        step.put(ring + number(head.next), packed)
        head.next += 1
    head.kept += len(step.changes)
    if head.kept > _KEPT + _SLACK:
        (oldest,) = step.load((), [step.keys.under(ring, _DROPPED)])
        for found in oldest:
            step.delete(found.key)
            head.first += 1
            head.kept -= len(_decode(found.value))
    step.put(key, _encode(head))


def _packed(changes: Sequence[_Item]) -> list[bytes]:
    """The changes as values, none much larger than `_VALUE_BYTES`."""
    parts: list[list[_Item]] = [[]]
    size = 0
    for change in changes:
        error = change[2].error
        size += 200 if error is None else 200 + len(error.message) + len(error.traceback)
        if parts[-1] and size > _VALUE_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(change)
    return [_encode(part) for part in parts]


def start_following(step: "Step") -> None:
    """Let changes be kept from now on."""
    mark = step.keys.of(b"V")
    if step.get(mark) is None:
        step.put(mark)


def page(begin: Callable[[], "Step"], cursor: str | None, limit: int, store: str) -> ChangePage:
    """Up to `limit` changes after `cursor`; without one none, and the cursor of now. One round trip, of one moment.
    Raises: CursorExpired; QueryError when it is no cursor."""
    at = None if cursor is None else _parsed(cursor)
    step = begin()
    mark = step.keys.of(b"V")
    heads = [step.keys.of(b"H", bytes([shard])) for shard in range(_SHARDS)]
    rings = [step.keys.of(b"v", bytes([shard])) for shard in range(_SHARDS)]
    size = min(max(limit, 1) + 1, _READ)
    ranges = [] if at is None else [
        step.keys.under(ring, size, beyond=ring + number(one - 1)) for ring, one in zip(rings, at.rings, strict=True)
    ]  # fmt: skip
    pages = step.load([mark, *heads], ranges)
    stand = [_Head() if (value := step.get(key)) is None else _decode_head(value) for key in heads]
    epoch = step.revision_of(mark)
    if at is None:
        return ChangePage((), str(_Cursor(epoch, tuple(head.next for head in stand), 0)))
    if at.epoch != epoch or any(not head.first <= one <= head.next for head, one in zip(stand, at.rings, strict=True)):
        raise cursor_expired(str(cursor), store, _KEPT)
    return _told(at, pages, size, limit)


def _told(at: _Cursor, pages: list[list[Found]], size: int, limit: int) -> ChangePage:
    """Changes by revision, as far as every ring was read."""
    horizon = min((ring[-1].revision for ring in pages if len(ring) == size), default=None)
    values = sorted(
        (one.revision, shard, n, one.value)
        for shard, ring in enumerate(pages)
        for n, one in enumerate(ring)
        if horizon is None or one.revision <= horizon
    )
    rings, skip = list(at.rings), at.skip
    told: list[Change] = []
    for _, shard, _, value in values:
        items = _decode(value)
        for place in range(skip, len(items)):
            if len(told) >= limit:
                break
            last = place + 1 == len(items)
            rings[shard] += last
            instance_id, kind, transition = items[place]
            cursor = _Cursor(at.epoch, tuple(rings), 0 if last else place + 1)
            told.append(Change(instance_id.hex(), kind, transition, str(cursor)))
        skip = 0
    return ChangePage(tuple(told), told[-1].cursor if told else str(at))


def _parsed(cursor: str) -> _Cursor:
    try:
        prefix, epoch, rings, skip = cursor.split("-")
        found = _Cursor(int(epoch, 16), tuple(int(one, 16) for one in rings.split(".")), int(skip, 16))
    except ValueError as error:
        raise no_cursor(cursor, "changes") from error
    if prefix != _PREFIX or len(found.rings) != _SHARDS:
        raise no_cursor(cursor, "changes")
    return found
