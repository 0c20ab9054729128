"""The last state changes of a namespace, for those who follow it; nothing is kept before somebody asks."""

from collections import deque
from itertools import islice
from typing import Any, Final

from rota.model.records import Change, ChangePage, ErrorRecord
from rota.model.state import State
from rota.store.refusals import cursor_expired, no_cursor
from rota_store_memory.entry import Entry
from rota_store_memory.history import number_of, transition
from rota_store_memory.waiting import Watch

__all__ = ["ChangeRing", "EVERY"]

_KEPT: Final = 100_000
_PREFIX: Final = "change-"
EVERY: Final = ("",)  #: the one key under which followers wait


class ChangeRing:
    """A bounded ring of changes, numbered from 0; `on` once a cursor was asked for."""

    __slots__ = ("_end", "_ring", "followers", "on")

    def __init__(self) -> None:
        self.on = False
        self.followers = Watch()
        self._end = 0
        self._ring: deque[tuple[Any, ...]] = deque(maxlen=_KEPT)

    def note(
        self, entry: Entry, state: State, at_ms: int, worker: str | None, reason: str | None, error: ErrorRecord | None
    ) -> None:
        """Keep one change and call those who wait for it."""
        self._ring.append((entry.id, entry.record.kind, number_of(state), at_ms, entry.attempt, worker, reason, error))
        self._end += 1
        self.followers.call(*EVERY)

    def page(self, cursor: str | None, limit: int) -> ChangePage:
        """Up to `limit` changes after `cursor`. Raises: CursorExpired; QueryError when it is no cursor."""
        if cursor is None:
            self.on = True
            return ChangePage((), f"{_PREFIX}{self._end}")
        start = self._position(cursor)
        skipped = start - (self._end - len(self._ring))
        if skipped < 0 or start > self._end:
            raise cursor_expired(cursor, "the memory store", _KEPT)
        kept = tuple(
            Change(instance_id, kind, transition(*rest), f"{_PREFIX}{number}")
            for number, (instance_id, kind, *rest) in enumerate(islice(self._ring, skipped, skipped + limit), start + 1)
        )
        return ChangePage(kept, f"{_PREFIX}{start + len(kept)}")

    def clear(self) -> None:
        """Drop what is kept; the numbering goes on, so that an older cursor is seen to have missed some."""
        self._ring.clear()

    def _position(self, cursor: str) -> int:
        number = cursor.removeprefix(_PREFIX)
        if number == cursor or not number.isdecimal():
            raise no_cursor(cursor, "changes")
        return int(number)
