"""The recurring rules of a namespace as `rota.store.rules` reads and changes them."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from rota.model.records import ScheduleRecord
from rota_store_sqlite.entry import encode
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step

__all__ = ["SQLiteShelf"]

_SCHEDULE: Final = statements("schedule")
_NAMESPACE: Final = statements("namespace")
_decode: Final = msgspec.msgpack.Decoder(ScheduleRecord).decode


class SQLiteShelf:
    """See `rota.store.rules.Shelf`."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def all(self) -> list[ScheduleRecord]:
        """All rules, by name."""
        rows = self._step.connection.execute(_SCHEDULE["all"], (self._step.ns,)).fetchall()
        return [_decode(record) for (record,) in rows]

    def due(self, limit: int) -> tuple[list[ScheduleRecord], int | None]:
        """Rules whose slot has come, earliest first, and the next slot to come. O(limit + log n)."""
        step = self._step
        rows = step.connection.execute(_SCHEDULE["due"], (step.ns, step.now_ms, limit)).fetchall()
        (coming,) = step.one(_SCHEDULE, "next", step.ns, step.now_ms)
        return [_decode(record) for (record,) in rows], coming

    def find(self, name: str, owner: str | None) -> ScheduleRecord | None:
        """The rule of that identity."""
        row = self._step.one(_SCHEDULE, "find", self._step.ns, name, owner or "")
        return None if row is None else _decode(row[0])

    def names_of(self, owner: str) -> Sequence[str]:
        """The names of an owner's rules."""
        return [name for (name,) in self._step.connection.execute(_SCHEDULE["of_owner"], (self._step.ns, owner))]

    def save(self, rule: ScheduleRecord) -> ScheduleRecord:
        """Keep `rule` in place of the one of its identity; what is kept, with a new version."""
        step = self._step
        (version,) = step.one(_NAMESPACE, "take_version", step.ns)
        stored = replace(rule, version=version)
        slot_ms = None if stored.paused else stored.next_slot_ms
        row = (step.ns, stored.name, stored.owner or "", slot_ms, version, encode(stored))
        step.connection.execute(_SCHEDULE["save"], row)
        return stored

    def drop(self, name: str, owner: str | None) -> bool:
        """Forget a rule; False when there was none."""
        return self._step.one(_SCHEDULE, "drop", self._step.ns, name, owner or "") is not None

    def lives(self, instance_id: str) -> bool:
        """Whether an instance is here and has not ended."""
        entry = self._step.entry(instance_id)
        return entry is not None and not entry.ended
