"""The part of the store contract about published kinds, recurring rules and documents."""

from collections.abc import Sequence

from rota.model.records import Document, InstanceRecord, KindDescriptor, ScheduleRecord
from rota.store.contract import FireAnswer
from rota.store.refusals import refuse_documents
from rota.store.rules import fire_rule, patch_rule, put_rule, sync_rules
from rota_store_sqlite import documents as small
from rota_store_sqlite.enqueue import enqueue
from rota_store_sqlite.published import published_kinds, put_kinds
from rota_store_sqlite.schedules import SQLiteShelf
from rota_store_sqlite.view import View
from rota_store_sqlite.workers import live_workers

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
            return put_rule(SQLiteShelf(step), schedule)

    def patch_schedule(
        self, schedule: ScheduleRecord, *, paused: bool, next_slot_ms: int | None
    ) -> ScheduleRecord | None:
        """Pause a rule or let it go on."""
        with self._changing() as step:
            return patch_rule(SQLiteShelf(step), schedule, paused, next_slot_ms)

    def drop_schedule(self, name: str, owner: str | None = None) -> bool:
        """Forget a rule."""
        with self._changing() as step:
            return SQLiteShelf(step).drop(name, owner)

    def schedules(self) -> list[ScheduleRecord]:
        """All rules, by name."""
        with self._reading() as step:
            return SQLiteShelf(step).all()

    def sync_schedules(
        self, owner: str, fingerprint: str, revision: int | None, schedules: Sequence[ScheduleRecord]
    ) -> bool:
        """Make the rules of `owner` the declared ones; the revision counts as the workers' beats tell it."""
        with self._changing() as step:
            workers = live_workers(step, self._hub.boot)
            return sync_rules(SQLiteShelf(step), owner, fingerprint, workers, schedules)

    def due_schedules(self, limit: int = 100) -> tuple[list[ScheduleRecord], int | None]:
        """Rules whose slot has come, and the next slot to come."""
        with self._reading() as step:
            return SQLiteShelf(step).due(limit)

    def fire(
        self, schedule: ScheduleRecord, slot_ms: int, next_ms: int | None, records: Sequence[InstanceRecord]
    ) -> FireAnswer:
        """Pass one slot of a rule."""
        with self._changing() as step:
            shelf = SQLiteShelf(step)
            return fire_rule(
                shelf, schedule, slot_ms, next_ms, lives=shelf.lives, enqueue=lambda: enqueue(step, records)
            )

    def load(self, keys: Sequence[str]) -> list[Document | None]:
        """Documents by key."""
        with self._reading() as step:
            return small.load(step, keys)

    def save(self, documents: Sequence[Document]) -> list[int] | None:
        """Write documents, all or none."""
        refuse_documents(documents)
        with self._changing() as step:
            return small.save(step, documents)

    def scan(self, prefix: str, cursor: str | None = None, limit: int = 100) -> tuple[list[Document], str | None]:
        """Documents by the start of their key."""
        with self._reading() as step:
            return small.scan(step, prefix, cursor, limit)
