"""One namespace: all that is kept in it. Every use happens under the lock of its hub."""

from threading import Lock

from rota.model.records import KindDescriptor
from rota.store.contract import MAX_PROMOTED
from rota_store_memory.changes import ChangeRing
from rota_store_memory.documents import Documents
from rota_store_memory.due_heap import DueHeap
from rota_store_memory.entry import SCHEDULED, Entry
from rota_store_memory.instance_log import InstanceLog
from rota_store_memory.leases import Leases
from rota_store_memory.line import Line
from rota_store_memory.queue import KindQueue
from rota_store_memory.rule_table import RuleTable
from rota_store_memory.waiting import Waiters, Watch

__all__ = ["Space"]


class Space:
    """The parts of a namespace; the operations are functions over them, in the files of their names.

    `queues` has the kinds with instances and the paused ones. `token` and `version` are the last ones
    given out; they never start again, so that no old one is ever right by accident.
    """

    __slots__ = (
        "_grown", "beats", "changes", "descriptors", "documents", "endings", "entries", "expiry", "leases", "line",
        "log_readers", "logs", "name", "queues", "schedules", "token", "version", "waiters",
    )  # fmt: skip

    def __init__(self, name: str, lock: Lock) -> None:
        self.name = name
        self.entries: dict[str, Entry] = {}
        self.queues: dict[str, KindQueue] = {}
        self.expiry = DueHeap(_expiring)
        self.logs: dict[str, InstanceLog] = {}
        self.leases = Leases()
        self.changes = ChangeRing()
        self.documents = Documents()
        self.descriptors: dict[str, KindDescriptor] = {}
        self.schedules = RuleTable()
        self.token = 0
        self.version = 0
        self.waiters = Waiters(lock)
        self.line = Line(self.queues)
        self.beats = Watch()
        self.endings = Watch()
        self.log_readers = Watch()
        self._grown = 0

    def queue(self, kind: str) -> KindQueue:
        """The queue of `kind`, made at its first instance."""
        queue = self.queues.get(kind)
        if queue is None:
            queue = self.queues[kind] = KindQueue(kind)
        return queue

    def queue_of(self, entry: Entry) -> KindQueue:
        """The queue that `entry` belongs to."""
        return self.queues[entry.record.kind]

    def drop_if_empty(self, queue: KindQueue) -> None:
        """Forget a queue that has no instance and is not paused."""
        if not queue.paused and not queue.total():
            del self.queues[queue.kind]

    def promote(self, queue: KindQueue, now_ms: int) -> None:
        """Make ready what has become due, as much as one step may; the timekeeper does the rest. The caller
        wakes those who wait, once it has taken its own part."""
        if queue.promote(now_ms) == MAX_PROMOTED:
            self.line.set_alarm(queue.kind)

    def tell(self, queue: KindQueue, alarm: bool) -> None:
        """Wake as many of those who wait as instances of the kind are ready; `alarm` says that one became
        the earliest of the delayed."""
        self.line.wake((queue.kind,))
        if alarm:
            self.line.set_alarm(queue.kind)

    def resume(self, kind: str) -> None:
        """Open a paused kind again, and wake as many as there is work for."""
        queue = self.queues.get(kind)
        if queue is not None and queue.paused:
            queue.paused = False
            self.tell(queue, alarm=True)
            self.drop_if_empty(queue)

    def next_version(self) -> int:
        """A version no schedule had before."""
        self.version += 1
        return self.version

    def note_growth(self) -> None:
        """Remember how large the dictionaries have been; they don't shrink by themselves."""
        self._grown = max(self._grown, len(self.entries))

    def shrink(self) -> None:
        """Give memory back once most of what was there is gone. O(what is left)."""
        if len(self.entries) * 4 < self._grown:
            self.entries = dict(self.entries)
            self.logs = dict(self.logs)
            self._grown = len(self.entries)

    def clear(self) -> None:
        """Remove everything, and let every blocked call answer."""
        self.leases.clear()
        self.waiters.end_session()
        self.queues.clear()
        self.entries, self.logs, self.expiry, self._grown = {}, {}, DueHeap(_expiring), 0
        self.changes.clear()
        self.documents.clear()
        self.descriptors.clear()
        self.schedules.clear()


def _expiring(entry: Entry) -> bool:
    return entry.state is SCHEDULED and not entry.token  # claimed once is started, also when it comes back uncounted
