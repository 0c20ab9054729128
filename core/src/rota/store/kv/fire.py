"""`fire`: pass one slot of a rule, with its instances."""

from collections.abc import Sequence

from rota.model.records import EnqueueAnswer, InstanceRecord, ScheduleRecord
from rota.store.contract import FireAnswer
from rota.store.kv.enqueue import ENQUEUE_OPS, enqueue, load_for_enqueue
from rota.store.kv.schedules import KVShelf
from rota.store.kv.step import Step
from rota.store.rules import fire_rule

__all__ = ["fire"]

_RULE_OPS = 8  # keys that the rule itself takes


class _Full(Exception):
    """One commit can't carry the rest of the instances."""


def fire(
    step: Step,
    schedule: ScheduleRecord,
    slot_ms: int,
    next_ms: int | None,
    records: Sequence[InstanceRecord],
    most_bytes: int,
) -> tuple[FireAnswer | None, int]:
    """Pass the slot with all of `records`; or, where one commit can't carry them, add the first of them while the rule
    stands as it was read: None then, and how many.

    So the rule moves on with the last of its instances, and once. Who is cut off before has fired nothing: the ids of
    the others are those of the slot, and whoever passes it finds them there.
    """
    shelf = KVShelf(step)
    answers: list[EnqueueAnswer] = []

    def add() -> list[EnqueueAnswer]:
        load_for_enqueue(step, list(records))
        for record in records:
            if answers and not step.fits(ENQUEUE_OPS + _RULE_OPS, len(record.arguments)):
                raise _Full
            answers.append(enqueue(step, record, most_bytes))
        return answers

    try:
        return fire_rule(shelf, schedule, slot_ms, next_ms, lives=shelf.lives, enqueue=add), len(answers)
    except _Full:
        return None, len(answers)
