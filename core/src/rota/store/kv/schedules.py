"""The recurring rules of a namespace as `rota.store.rules` reads and changes them. A version is a revision."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from rota.model.records import ScheduleRecord
from rota.store.histories import FINAL
from rota.store.kv.entry import encode
from rota.store.kv.keys import as_bytes, number, number_in, text
from rota.store.kv.pages import all_under
from rota.store.kv.step import Step
from rota.store.ordered_kv import Range

__all__ = ["KVShelf", "with_version"]

_decode: Final = msgspec.msgpack.Decoder(ScheduleRecord).decode


def with_version(rule: ScheduleRecord, revision: int) -> ScheduleRecord:
    """`rule` as it stands; one that the commit of that revision saved has no version yet."""
    return rule if rule.version else replace(rule, version=revision)


class KVShelf:
    """See `rota.store.rules.Shelf`. What `save` answers has version 0: the revision of the commit to come."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def _identity(self, name: str, owner: str | None) -> bytes:
        return text(owner or "") + text(name)

    def all(self) -> list[ScheduleRecord]:
        """All rules, by name."""
        found = [replace(_decode(value), version=revision) for _, value, revision in self._under(b"")]
        return sorted(found, key=lambda rule: (rule.name, rule.owner or ""))

    def _under(self, owner: bytes):  # type: ignore[no-untyped-def]
        return all_under(self._step, self._step.keys.of(b"y", owner))

    def due(self, limit: int) -> tuple[list[ScheduleRecord], int | None]:
        """Rules whose slot has come, earliest first, and the next slot to come. Two round trips."""
        step, start = self._step, self._step.keys.of(b"z")
        now = start + number(step.now_ms + 1)
        page, coming = step.load((), [Range(start, now, max(limit, 0)), step.keys.under(start, 1, beyond=now)])
        places = [step.keys.of(b"y", key[len(start) + 8 :]) for key, _, _ in page]
        step.load(places)
        due = [found for place in places if (found := self._at(place)) is not None]
        return due, number_in(coming[0].key, len(start)) if coming else None

    def _at(self, place: bytes) -> ScheduleRecord | None:
        value = self._step.get(place)
        return None if value is None else replace(_decode(value), version=self._step.revision_of(place))

    def find(self, name: str, owner: str | None) -> ScheduleRecord | None:
        """The rule of that identity."""
        return self._at(self._step.keys.of(b"y", self._identity(name, owner)))

    def names_of(self, owner: str) -> Sequence[str]:
        """The names of an owner's rules."""
        return [_decode(value).name for _, value, _ in self._under(text(owner))]

    def save(self, rule: ScheduleRecord) -> ScheduleRecord:
        """Keep `rule` in place of the one of its identity; what is kept."""
        self._leave_order(rule.name, rule.owner)
        identity = self._identity(rule.name, rule.owner)
        stored = replace(rule, version=0)
        if rule.next_slot_ms is not None and not rule.paused:
            self._step.put(self._step.keys.of(b"z", number(rule.next_slot_ms), identity))
        self._step.put(self._step.keys.of(b"y", identity), encode(stored))
        return stored

    def drop(self, name: str, owner: str | None) -> bool:
        """Forget a rule; False when there was none."""
        there = self._leave_order(name, owner)
        if there:
            self._step.delete(self._step.keys.of(b"y", self._identity(name, owner)))
        return there

    def _leave_order(self, name: str, owner: str | None) -> bool:
        old = self.find(name, owner)
        if old is not None and old.next_slot_ms is not None:
            self._step.delete(self._step.keys.of(b"z", number(old.next_slot_ms), self._identity(name, owner)))
        return old is not None

    def lives(self, instance_id: str) -> bool:
        """Whether an instance is here and has not ended."""
        entry = self._step.entry(as_bytes(instance_id))
        return entry is not None and entry.state not in FINAL
