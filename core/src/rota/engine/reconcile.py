"""Schedules declared in code: whose set stands while versions of a program overlap, and what changed."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from rota.model.name import SYSTEM_OWNER
from rota.model.records import InstanceRecord, ScheduleRecord, WorkerRecord

__all__ = ["changed", "declared_fingerprint", "standing_fingerprint"]

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def standing_fingerprint(workers: Sequence[WorkerRecord], owner: str) -> str | None:
    """The declared set, by its fingerprint, that stands among the live workers of an owner; None without any.

    The highest revision stands when any set has one. Without, or between equals, the set whose earliest
    worker started last: the new one while a deployment rolls; after a rollback the old one, whose workers
    have started anew or are the only ones left. A full tie goes by the fingerprint's text.
    """
    sets: dict[str, list[WorkerRecord]] = {}
    for worker in map(_as_system, workers) if owner == SYSTEM_OWNER else workers:
        if worker.owner == owner and worker.fingerprint is not None:
            sets.setdefault(worker.fingerprint, []).append(worker)
    return max(sets, key=lambda fingerprint: (*_standing(sets[fingerprint]), fingerprint), default=None)


def _as_system(worker: WorkerRecord) -> WorkerRecord:
    """The worker with what it says of rota's own rules, which have no revisions."""
    return msgspec.structs.replace(worker, owner=SYSTEM_OWNER, fingerprint=worker.system, revision=None)


def _standing(workers: Sequence[WorkerRecord]) -> tuple[bool, int, int]:
    revisions = [worker.revision for worker in workers if worker.revision is not None]
    return bool(revisions), max(revisions, default=0), min(worker.started_ms for worker in workers)


def changed(old: ScheduleRecord, new: ScheduleRecord) -> bool:
    """True when the rule itself differs: trigger, call, misfire or overlap; not what the store keeps of it."""
    return _rule(old) != _rule(new)


def declared_fingerprint(schedules: Iterable[ScheduleRecord]) -> str:
    """16 hexadecimal digits that name a declared set: equal on all machines that run the same code,
    whatever the order of declaration and the time."""
    rules = sorted((_rule(schedule) for schedule in schedules), key=lambda rule: (rule.owner or "", rule.name))
    return hashlib.sha256(_ENCODER.encode(rules)).hexdigest()[:16]


def _rule(schedule: ScheduleRecord) -> ScheduleRecord:
    # Built from what belongs to the rule, so that whatever a store keeps besides stays out.
    return ScheduleRecord(
        name=schedule.name,
        owner=schedule.owner,
        trigger=schedule.trigger,
        template=_call(schedule.template),
        misfire=schedule.misfire,
        misfire_cap=schedule.misfire_cap,
        overlap=schedule.overlap,
    )


def _call(template: InstanceRecord) -> InstanceRecord:
    # A rank may follow from the time of declaration; the priority, which is declared, stays.
    return msgspec.structs.replace(template, id="", created_ms=0, rank=0)
