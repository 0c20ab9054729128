"""The part of the store contract about published kinds, recurring rules and documents."""

from collections.abc import Sequence

from rota.model.records import Document, InstanceRecord, KindDescriptor, ScheduleRecord
from rota.store.contract import FireAnswer
from rota_store_sqlite import documents as small
from rota_store_sqlite import schedules as rules
from rota_store_sqlite.published import published_kinds, put_kinds
from rota_store_sqlite.view import View

__all__ = ["RuleOperations"]


class RuleOperations(View):
    """Everything that is kept beside the instances."""

    __slots__ = ()

    def put_kinds(self, descriptors: Sequence[KindDescriptor]) -> None:
        """Publish kinds."""
        with self._changing() as step:
            put_kinds(step, descriptors)

    def kinds(self) -> list[KindDescriptor]:
        """What was published, by kind."""
        with self._reading() as step:
            return published_kinds(step)

    def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord:
        """Add or change a recurring rule."""
        with self._changing() as step:
            return rules.put_schedule(step, schedule)

    def patch_schedule(
        self, schedule: ScheduleRecord, *, paused: bool, next_slot_ms: int | None
    ) -> ScheduleRecord | None:
        """Pause a rule or let it go on."""
        with self._changing() as step:
            return rules.patch_schedule(step, schedule, paused, next_slot_ms)

    def drop_schedule(self, name: str, owner: str | None = None) -> bool:
        """Forget a rule."""
        with self._changing() as step:
            return rules.drop_schedule(step, name, owner)

    def schedules(self) -> list[ScheduleRecord]:
        """All rules, by name."""
        with self._reading() as step:
            return rules.all_schedules(step)

    def sync_schedules(
        self, owner: str, fingerprint: str, revision: int | None, schedules: Sequence[ScheduleRecord]
    ) -> bool:
        """Make the rules of `owner` the declared ones; the revision counts as the workers' beats tell it."""
        with self._changing() as step:
            return rules.sync_schedules(step, owner, fingerprint, schedules, self._hub.boot)

    def due_schedules(self, limit: int = 100) -> tuple[list[ScheduleRecord], int | None]:
        """Rules whose slot has come, and the next slot to come."""
        with self._reading() as step:
            return rules.due_schedules(step, limit)

    def fire(
        self, schedule: ScheduleRecord, slot_ms: int, next_ms: int | None, records: Sequence[InstanceRecord]
    ) -> FireAnswer:
        """Pass one slot of a rule."""
        with self._changing() as step:
            return rules.fire(step, schedule, slot_ms, next_ms, records)

    def load(self, keys: Sequence[str]) -> list[Document | None]:
        """Documents by key."""
        with self._reading() as step:
            return small.load(step, keys)

    def save(self, documents: Sequence[Document]) -> list[int] | None:
        """Write documents, all or none."""
        small.check_documents(documents)
        with self._changing() as step:
            return small.save(step, documents)

    def scan(self, prefix: str, cursor: str | None = None, limit: int = 100) -> tuple[list[Document], str | None]:
        """Documents by the start of their key."""
        with self._reading() as step:
            return small.scan(step, prefix, cursor, limit)
