"""The part of the store contract about published kinds, recurring rules and documents."""

from collections.abc import Sequence

from rota.model.records import Document, InstanceRecord, KindDescriptor, ScheduleRecord
from rota.store.contract import FireAnswer
from rota.store.rules import fire_rule, patch_rule, put_rule, sync_rules
from rota_store_memory.enqueue import enqueue
from rota_store_memory.schedules import MemoryShelf
from rota_store_memory.view import View
from rota_store_memory.waiting import monotonic_ms

__all__ = ["RuleOperations"]


class RuleOperations(View):
    """Everything that is kept beside the instances."""

    __slots__ = ()

    def put_kinds(self, descriptors: Sequence[KindDescriptor]) -> None:
        """Publish kinds; their limits hold at once."""
        with self._lock:
            for descriptor in descriptors:
                self._space.publish(descriptor, self._clock.now_ms())

    def kinds(self) -> list[KindDescriptor]:
        """What was published, by kind."""
        with self._lock:
            return [descriptor for _, descriptor in sorted(self._space.descriptors.items())]

    def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord:
        """Add or change a recurring rule."""
        with self._lock:
            return put_rule(MemoryShelf(self._space), schedule)

    def patch_schedule(
        self, schedule: ScheduleRecord, *, paused: bool, next_slot_ms: int | None
    ) -> ScheduleRecord | None:
        """Pause a rule or let it go on."""
        with self._lock:
            return patch_rule(MemoryShelf(self._space), schedule, paused, next_slot_ms)

    def drop_schedule(self, name: str, owner: str | None = None) -> bool:
        """Forget a rule."""
        with self._lock:
            return MemoryShelf(self._space).drop(name, owner)

    def schedules(self) -> list[ScheduleRecord]:
        """All rules, by name."""
        with self._lock:
            return MemoryShelf(self._space).all()

    def sync_schedules(
        self, owner: str, fingerprint: str, revision: int | None, schedules: Sequence[ScheduleRecord]
    ) -> bool:
        """Make the rules of `owner` the declared ones; the revision counts as the workers' beats tell it."""
        with self._lock:
            workers = self._space.leases.running(monotonic_ms(self._clock))
            return sync_rules(MemoryShelf(self._space), owner, fingerprint, workers, schedules)

    def due_schedules(self, limit: int = 100) -> tuple[list[ScheduleRecord], int | None]:
        """Rules whose slot has come, and the next slot to come."""
        with self._lock:
            return self._space.schedules.due(self._clock.now_ms(), limit)

    def fire(
        self, schedule: ScheduleRecord, slot_ms: int, next_ms: int | None, records: Sequence[InstanceRecord]
    ) -> FireAnswer:
        """Pass one slot of a rule."""
        with self._lock:
            space, now_ms = self._space, self._clock.now_ms()
            shelf = MemoryShelf(space)
            return fire_rule(
                shelf, schedule, slot_ms, next_ms, lives=shelf.lives, enqueue=lambda: enqueue(space, records, now_ms)
            )

    def load(self, keys: Sequence[str]) -> list[Document | None]:
        """Documents by key."""
        with self._lock:
            return self._space.documents.load(keys)

    def save(self, documents: Sequence[Document]) -> list[int] | None:
        """Write documents, all or none."""
        with self._lock:
            return self._space.documents.save(documents)

    def scan(self, prefix: str, cursor: str | None = None, limit: int = 100) -> tuple[list[Document], str | None]:
        """Documents by the start of their key."""
        with self._lock:
            return self._space.documents.scan(prefix, cursor, limit)
