"""The part of the store contract about published kinds, recurring rules and documents."""

from collections.abc import Sequence

from msgspec.structs import replace

from rota.engine.reconcile import standing_fingerprint
from rota.model.records import Document, InstanceRecord, KindDescriptor, ScheduleRecord
from rota.store.contract import FireAnswer
from rota.store.kv import documents as small
from rota.store.kv.enqueue import enqueue
from rota.store.kv.entry import decode
from rota.store.kv.pages import all_under
from rota.store.kv.queue_operations import QueueOperations
from rota.store.kv.schedules import KVShelf, with_version
from rota.store.kv.step import Step
from rota.store.refusals import refuse_documents
from rota.store.rules import fire_rule, patch_rule, put_rule

__all__ = ["RuleOperations"]


class RuleOperations(QueueOperations):
    """Everything that is kept beside the instances."""

    __slots__ = ()

    def put_kinds(self, descriptors: Sequence[KindDescriptor]) -> None:
        """Publish kinds."""

        def publish(step: Step, part: Sequence[KindDescriptor]) -> list[None]:
            return [step.put_kind(one.kind, one, step.kind(one.kind).paused) for one in part]

        self._in_parts(descriptors, lambda _: (1, 0), publish)

    def kinds(self) -> list[KindDescriptor]:
        """What was published, by kind."""
        step = self._step()
        found = (decode.kind(value).descriptor for _, value, _ in all_under(step, step.keys.of(b"K")))
        return sorted((one for one in found if one is not None), key=lambda one: one.kind)

    def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord:
        """Add or change a recurring rule."""
        return with_version(*self._change(lambda step: put_rule(KVShelf(step), schedule)))

    def patch_schedule(
        self, schedule: ScheduleRecord, *, paused: bool, next_slot_ms: int | None
    ) -> ScheduleRecord | None:
        """Pause a rule or let it go on."""
        found, revision = self._change(lambda step: patch_rule(KVShelf(step), schedule, paused, next_slot_ms))
        return None if found is None else with_version(found, revision)

    def drop_schedule(self, name: str, owner: str | None = None) -> bool:
        """Forget a rule."""
        return self._change(lambda step: KVShelf(step).drop(name, owner))[0]

    def schedules(self) -> list[ScheduleRecord]:
        """All rules, by name."""
        return KVShelf(self._step()).all()

    def sync_schedules(
        self, owner: str, fingerprint: str, revision: int | None, schedules: Sequence[ScheduleRecord]
    ) -> bool:
        """Make the rules of `owner` the declared ones: each as it is put or dropped by itself, as many a commit as it
        takes. The revision counts as the workers' beats tell it."""
        standing = standing_fingerprint(self.workers(), owner)
        if standing is not None and standing != fingerprint:
            return False
        declared = {rule.name for rule in schedules}
        dropped = [name for name in KVShelf(self._step()).names_of(owner) if name not in declared]

        def drop(step: Step, names: Sequence[str]) -> list[bool]:
            return [KVShelf(step).drop(name, owner) for name in names]

        def put(step: Step, rules: Sequence[ScheduleRecord]) -> list[ScheduleRecord]:
            return [put_rule(KVShelf(step), replace(rule, owner=owner)) for rule in rules]

        self._in_parts(dropped, lambda _: (1, 0), drop)
        self._in_parts(schedules, lambda rule: (1, len(rule.template.arguments)), put)
        return True

    def due_schedules(self, limit: int = 100) -> tuple[list[ScheduleRecord], int | None]:
        """Rules whose slot has come, and the next slot to come."""
        return KVShelf(self._step()).due(limit)

    def fire(
        self, schedule: ScheduleRecord, slot_ms: int, next_ms: int | None, records: Sequence[InstanceRecord]
    ) -> FireAnswer:
        """Pass one slot of a rule."""

        def pass_slot(step: Step) -> FireAnswer:
            shelf = KVShelf(step)
            return fire_rule(
                shelf, schedule, slot_ms, next_ms, lives=shelf.lives,
                enqueue=lambda: [enqueue(step, record, self.most_bytes) for record in records],
            )  # fmt: skip

        return self._change(pass_slot)[0]

    def load(self, keys: Sequence[str]) -> list[Document | None]:
        """Documents by key."""
        return small.load(self._step(), keys)

    def save(self, documents: Sequence[Document]) -> list[int] | None:
        """Write documents, all or none."""
        refuse_documents(documents)
        most_bytes = self._hub.kv.max_bytes - 64 * 1024
        stands, revision = self._change(lambda step: small.save(step, documents, most_bytes))
        return None if stands is None else [revision if one else 0 for one in stands]

    def scan(self, prefix: str, cursor: str | None = None, limit: int = 100) -> tuple[list[Document], str | None]:
        """Documents by the start of their key."""
        return small.scan(self._step(), prefix, cursor, limit)
