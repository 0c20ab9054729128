"""The part of the store contract about published kinds, recurring rules and documents."""

from collections.abc import Sequence

from msgspec.structs import replace

from rota.engine.reconcile import standing_fingerprint
from rota.model.records import Document, InstanceRecord, KindDescriptor, ScheduleRecord
from rota.store.contract import FireAnswer
from rota.store.kv import documents as small
from rota.store.kv.entry import encode
from rota.store.kv.fire import fire
from rota.store.kv.lanes import lane_of, load_lanes
from rota.store.kv.published import lanes_of, lanes_seen, load_kinds, publish, published
from rota.store.kv.queue_operations import QueueOperations
from rota.store.kv.schedules import KVShelf, with_version
from rota.store.kv.step import Step
from rota.store.refusals import refuse_documents
from rota.store.rules import patch_rule, put_rule

__all__ = ["RuleOperations"]


class RuleOperations(QueueOperations):
    """Everything that is kept beside the instances."""

    __slots__ = ()

    def put_kinds(self, descriptors: Sequence[KindDescriptor]) -> None:
        """Publish kinds. Where limits are others than before, every lane of the kind is looked at: O(lanes) then."""
        changed = self._in_parts(descriptors, load_kinds, lambda one: (4, len(encode(one))), publish)
        for name in [one.kind for one, limits in zip(descriptors, changed, strict=True) if limits]:
            lanes = lanes_of(self._step(), name)
            self._in_parts(lanes, load_lanes, lambda _: (12, 0), lambda step, lane: lane_of(step, *lane))
            self._change(lambda step: lanes_seen(step, name))  # noqa: B023 - called at once

    def kinds(self) -> list[KindDescriptor]:
        """What was published, by kind."""
        return published(self._step())

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

        self._in_parts(dropped, _load_nothing, lambda _: (3, 0), lambda step, name: KVShelf(step).drop(name, owner))
        self._in_parts(
            [replace(rule, owner=owner) for rule in schedules], _load_nothing,
            lambda rule: (3, len(encode(rule))), lambda step, rule: put_rule(KVShelf(step), rule),
        )  # fmt: skip
        return True

    def due_schedules(self, limit: int = 100) -> tuple[list[ScheduleRecord], int | None]:
        """Rules whose slot has come, and the next slot to come."""
        return KVShelf(self._step()).due(limit)

    def fire(
        self, schedule: ScheduleRecord, slot_ms: int, next_ms: int | None, records: Sequence[InstanceRecord]
    ) -> FireAnswer:
        """Pass one slot of a rule."""
        left = records
        while True:
            (answer, number), _ = self._change(
                lambda step: fire(step, schedule, slot_ms, next_ms, left, self.most_bytes)  # noqa: B023 - called at once
            )
            if answer is not None:
                return answer
            left = left[number:]

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


def _load_nothing(step: Step, items: object) -> None:
    """Each asks for itself."""
