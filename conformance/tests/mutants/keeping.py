"""Stores that are broken where workers live and die, and where is looked, kept and removed."""

from conformance.tests.mutants.breeding import Mutant, killed_by
from msgspec.structs import replace

from rota.model.records import FindPage, History


class _WallClock:
    """Takes the wall clock for a monotonic one."""

    def __init__(self, clock):
        self._clock = clock
        self.now_ms, self.wait = clock.now_ms, clock.wait

    def monotonic(self):
        return self._clock.now_ms() / 1000


@killed_by("WRK-2")
class NoopHeartbeat(Mutant):
    """Only the first beat counts."""

    def beat(self, worker, lease_ms, info, wait_ms=0):
        lease = self._space.leases.live.get(worker)
        end_ms = None if lease is None else lease.end_ms
        reply = super().beat(worker, lease_ms, info, wait_ms)
        if end_ms is not None and worker in self._space.leases.live:
            self._space.leases.live[worker].end_ms = end_ms
        return reply


@killed_by("WRK-3")
class NeverExpires(Mutant):
    """A lease is for ever."""

    def beat(self, worker, lease_ms, info, wait_ms=0):
        return super().beat(worker, 10**12, info, wait_ms)


@killed_by("WRK-3")
class ReapsTheLiving(Mutant):
    """A lease is half as long as agreed."""

    def beat(self, worker, lease_ms, info, wait_ms=0):
        return super().beat(worker, lease_ms // 2, info, wait_ms)


@killed_by("WRK-3")
class LosesOnCrash(Mutant):
    """What a dead worker held is nobody's."""

    def reap(self, limit=100):
        super().reap(0)
        self._space.leases.orphans.clear()
        return super().reap(limit)


@killed_by("WRK-11")
class WallClockSkew(Mutant):
    """Leases end by the wall clock."""

    def __init__(self, hub, namespace, clock, session=None):
        super().__init__(hub, namespace, _WallClock(clock), session)


@killed_by("HIS-1")
class HistoryApart(Mutant):
    """The last change is written down later."""

    def history(self, ids):
        found = super().history(ids)
        return [one and History(one.entries[: max(2, len(one.entries) - 1)], one.dropped) for one in found]


@killed_by("FND-1")
class PageSkips(Mutant):
    """A page begins one too late."""

    def find(self, query, cursor=None, limit=100):
        page = super().find(query, cursor, limit)
        return page if cursor is None else FindPage(page.items[1:], page.cursor)


@killed_by("FND-1")
class CursorRepeats(Mutant):
    """A page begins with the last of the one before."""

    def find(self, query, cursor=None, limit=100):
        page = super().find(query, cursor, limit)
        if cursor is None:
            return page
        return FindPage((*super().get([cursor.removeprefix("after-")]), *page.items), page.cursor)


@killed_by("LOG-2")
class LineDoubled(Mutant):
    """A line again is another line."""

    def append_logs(self, lines):
        for log in self._space.logs.values():
            log.seen.clear()
        super().append_logs(lines)


@killed_by("LOG-3")
class ProgressGoesBack(Mutant):
    """What comes last counts as the last."""

    def append_logs(self, lines):
        for log in self._space.logs.values():
            log.progress = None
        super().append_logs(lines)


@killed_by("SCH-4")
class SlotFiredTwice(Mutant):
    """Any version of a rule may fire."""

    def fire(self, schedule, slot_ms, next_ms, records):
        rule = self._space.schedules.get((schedule.name, schedule.owner))
        version = schedule.version if rule is None else rule.version
        return super().fire(replace(schedule, version=version), slot_ms, next_ms, records)


@killed_by("PRG-3")
class PurgeLeavesIndexes(Mutant):
    """Ids of what was purged stay taken."""

    def purge(self, query, limit=1000):
        before = dict(self.standing)
        removed = super().purge(query, limit)
        self.left = {**getattr(self, "left", {}), **{one: None for one in before if one not in self.standing}}
        return removed

    def get(self, ids):
        left = getattr(self, "left", {})
        found = super().get(ids)
        standing = next((one for one in super().get(list(self.standing)) if one is not None), None)
        return [standing if one in left and have is None else have for one, have in zip(ids, found, strict=True)]


@killed_by("DOC-1")
class DocumentOverwritten(Mutant):
    """The last writer wins."""

    def save(self, documents):
        stored = super().load([one.key for one in documents])
        versions = [0 if one is None else one.version for one in stored]
        return super().save([replace(one, version=at) for one, at in zip(documents, versions, strict=True)])


@killed_by("NS-2")
class ClearsAll(Mutant):
    """Clears its neighbours too."""

    def clear(self, *, force=False):
        super().clear(force=force)
        for space in self._hub._spaces.values():
            space.clear()
