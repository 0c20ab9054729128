"""Programs of several versions that come, go and die on one store, without threads: its workers' own maintenance."""

import random
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from rota import Every
from rota.engine.rank import priority_rank
from rota.engine.reconcile import changed, declared_fingerprint
from rota.engine.slots import first_slot
from rota.engine.trigger import trigger_record
from rota.model.records import InstanceRecord, ScheduleRecord, WorkerRecord
from rota.runtime.maintenance import Declared, Maintenance
from rota.store.contract import Store
from rota.testing import FakeClock
from rota_store_memory.store import open_store

__all__ = ["OWNER", "PERIOD_S", "Fleet", "Version"]

OWNER = "shop"
#: A worker looks at the declared rules every 15 s; one that died counts for the 15 s of its lease.
PERIOD_S = 15


def rule(name: str, period_s: float, **more: Any) -> ScheduleRecord:
    """A rule, before anybody owns it."""
    call = InstanceRecord(id="", kind="k", arguments=b"", rank=5, created_ms=0)
    return ScheduleRecord(name=name, trigger=trigger_record(Every(period_s)), template=call, overlap="allow", **more)


@dataclass(frozen=True)
class Version:
    """A version of the program: what it declares, and its revision, if it says one."""

    name: str
    rules: tuple[ScheduleRecord, ...]
    revision: int | None = None

    @property
    def owned(self) -> list[ScheduleRecord]:
        """The rules as its workers declare them."""
        return [msgspec.structs.replace(one, owner=OWNER, revision=self.revision) for one in self.rules]


@dataclass
class Worker:
    """One process of a version."""

    name: str
    version: Version
    maintenance: Maintenance
    started_ms: int
    beat_ms: int


@dataclass
class Fleet:
    """The processes, living and lately dead, their store and their clock."""

    seed: int = 0
    clock: FakeClock = field(default_factory=FakeClock)
    living: list[Worker] = field(default_factory=list)
    dead: list[Worker] = field(default_factory=list)
    fired: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._inner = open_store("memory://", clock=self.clock)
        self.store = cast(Store, self)
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def fire(self, schedule: ScheduleRecord, slot_ms: int, *rest: Any) -> str:
        """The store's own, noted."""
        answer = self._inner.fire(schedule, slot_ms, *rest)
        if answer != "lost":
            self.fired.setdefault(schedule.name, []).append(slot_ms)
        return answer

    # ---- what happens to processes

    def start(self, version: Version) -> Worker:
        """A new process of a version: it beats, then looks at the rules, as a worker does."""
        self.clock.advance(0.001)
        self._count += 1

        def records() -> list[ScheduleRecord]:
            now_ms = self.clock.now_ms()
            return [msgspec.structs.replace(one, next_slot_ms=first_slot(one.trigger, now_ms)) for one in version.owned]

        declared = Declared(OWNER, declared_fingerprint(version.owned), version.revision, records)
        maintenance = Maintenance(lambda: self.store, [declared], priority_rank, self.clock, self._rng)
        worker = Worker(f"w{self._count}", version, maintenance, self.clock.now_ms(), 0)
        self._beat(worker)
        maintenance.reconcile(self.store)
        self.living.append(worker)
        return worker

    def stop(self, worker: Worker) -> None:
        """It leaves in order."""
        self.living.remove(worker)
        self._inner.retire(worker.name)

    def kill(self, worker: Worker) -> None:
        """It is gone without a word; the store takes it for alive until its lease ends."""
        self.living.remove(worker)
        self.dead.append(worker)

    def roll(self, version: Version, *, size: int = 3, pause_s: int = 3) -> None:
        """Replace every process by one of `version`, one by one."""
        old = list(self.living)
        for _ in range(max(size, len(old))):
            self.start(version)
            self.run(pause_s)
            if old:
                self.stop(old.pop(0))
                self.run(pause_s)

    def run(self, seconds: int) -> None:
        """Let time go on, a second at a time, each process doing its part in an order of chance."""
        for _ in range(seconds):
            self.clock.advance(1)
            for worker in self._rng.sample(self.living, len(self.living)):
                if self.clock.now_ms() - worker.beat_ms >= 5000:
                    self._beat(worker)
                worker.maintenance.step()

    def settle(self) -> None:
        """Let the leases of the dead end, and every worker look at the rules since."""
        self.run(2 * PERIOD_S + 1)
        self.dead.clear()

    def _beat(self, worker: Worker) -> None:
        version = worker.version
        info = WorkerRecord(
            id=worker.name, owner=OWNER, fingerprint=declared_fingerprint(version.owned), revision=version.revision
        )
        self._inner.beat(worker.name, PERIOD_S * 1000, info)
        worker.beat_ms = self.clock.now_ms()

    # ---- what can be seen

    def stands(self, version: Version) -> bool:
        """Whether the owner's rules are exactly those of `version`."""
        found = {one.name: one for one in self._inner.schedules() if one.owner == OWNER}
        wanted = {one.name: one for one in version.owned}
        return found.keys() == wanted.keys() and not any(changed(found[name], wanted[name]) for name in wanted)

    def of_nobody(self) -> list[tuple[str, int, bool]]:
        """What clients put: name, period, whether it is paused."""
        return [(one.name, one.trigger.period_ms, one.paused) for one in self._inner.schedules() if one.owner is None]
