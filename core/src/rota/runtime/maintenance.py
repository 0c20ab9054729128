"""What any node may do for all: fire due schedules, take back what dead workers held, keep declared rules in step."""

import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from rota.engine.rank import RankFunction
from rota.engine.slots import next_step, slot_record
from rota.model.clock import Clock
from rota.model.errors import StoreUnavailable
from rota.model.records import Reaped, ScheduleRecord
from rota.store.contract import Store

__all__ = ["Declared", "Maintenance"]

_log = logging.getLogger("rota.worker")

TICK_S: Final = 1.0
_RECONCILE_S: Final = 15.0
_REAP_LIMIT: Final = 100
_MOST_SLOTS: Final = 1000  # fired in one step, so that reaping has its turn
_AT_ONCE: Final = 100  # rules looked at together


@dataclass(frozen=True, slots=True)
class Declared:
    """The recurring rules that this worker's code declares."""

    owner: str
    fingerprint: str
    revision: int | None
    schedules: Callable[[], Sequence[ScheduleRecord]]  # with first slots after now


class Maintenance:
    """One step of it; all of it is compare-and-set, so any number of nodes may do it."""

    def __init__(
        self,
        store: Callable[[], Store],
        declared: Sequence[Declared],
        rank: RankFunction,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._store = store
        self._declared = declared
        self._rank = rank
        self._clock = clock
        self._rng = rng
        self._reconciled_at: float | None = None
        self._unfireable: dict[tuple[str | None, str], int] = {}  # rules to the version that was told of

    def step(self) -> float:
        """Do what is due; seconds until something may be again."""
        store = self._store()
        self.reconcile(store)
        next_slot_ms = self._fire_due(store)
        while len(reaped := store.reap(_REAP_LIMIT)) == _REAP_LIMIT:
            _tell_of_dead(reaped)
        _tell_of_dead(reaped)
        if next_slot_ms is None:
            return TICK_S
        return min(TICK_S, max(0.0, (next_slot_ms - store.now_ms()) / 1000))

    def reconcile(self, store: Store) -> None:
        """Every 15 s: make the store's rules of these owners those that stand."""
        now = self._clock.monotonic()
        if self._reconciled_at is not None and now - self._reconciled_at < _RECONCILE_S:
            return
        for one in self._declared:
            store.sync_schedules(one.owner, one.fingerprint, one.revision, one.schedules())
        self._reconciled_at = now

    def _fire_due(self, store: Store) -> int | None:
        fired = 0
        while fired < _MOST_SLOTS:
            due, next_slot_ms = store.due_schedules(_AT_ONCE + len(self._unfireable))  # those stay due, and first
            count = sum(self._fire(store, schedule) for schedule in due)
            if not count:
                return next_slot_ms
            fired += count
        return store.now_ms()

    def _fire(self, store: Store, schedule: ScheduleRecord) -> bool:
        try:
            now_ms = store.now_ms()
            step = next_step(schedule, now_ms)
            if step is None:
                return False
            record = slot_record(schedule, step.slot_ms, self._rng, now_ms, scope=store.namespace)
            record = msgspec.structs.replace(record, rank=self._rank(record))
            store.fire(schedule, step.slot_ms, step.next_ms, [record] if step.fires else [])
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - of a queue policy, or of a rule that another version wrote
            self._tell(schedule, error)
            return False
        self._unfireable.pop((schedule.owner, schedule.name), None)
        return True

    def _tell(self, schedule: ScheduleRecord, error: Exception) -> None:
        rule = schedule.owner, schedule.name
        if self._unfireable.get(rule) != schedule.version:
            self._unfireable[rule] = schedule.version
            _log.error("the schedule %r can't be fired; the others are", schedule.name, exc_info=error)


def _tell_of_dead(reaped: Sequence[Reaped]) -> None:
    for worker, number in Counter(one.worker for one in reaped if one.worker is not None).items():
        _log.warning("worker %s is dead: took back %d of what it held", worker, number)
