"""The recurring rules of a namespace as `rota.store.rules` reads and changes them."""

from collections.abc import Sequence

from msgspec.structs import replace

from rota.model.records import ScheduleRecord
from rota_store_memory.space import Space

__all__ = ["MemoryShelf"]


class MemoryShelf:
    """See `rota.store.rules.Shelf`."""

    __slots__ = ("_space",)

    def __init__(self, space: Space) -> None:
        self._space = space

    def all(self) -> list[ScheduleRecord]:
        """All rules, by name."""
        return sorted(self._space.schedules, key=lambda rule: (rule.name, rule.owner or ""))

    def find(self, name: str, owner: str | None) -> ScheduleRecord | None:
        """The rule of that identity."""
        return self._space.schedules.get(name, owner)

    def names_of(self, owner: str) -> Sequence[str]:
        """The names of an owner's rules."""
        return [rule.name for rule in self._space.schedules if rule.owner == owner]

    def save(self, rule: ScheduleRecord) -> ScheduleRecord:
        """Let `rule` stand, with a new version."""
        stored = replace(rule, version=self._space.next_version())
        self._space.schedules.set(stored)
        return stored

    def drop(self, name: str, owner: str | None) -> bool:
        """Forget a rule."""
        return self._space.schedules.drop(name, owner)

    def lives(self, instance_id: str) -> bool:
        """Whether an instance is here and has not ended."""
        entry = self._space.entries.get(instance_id)
        return entry is not None and not entry.ended
