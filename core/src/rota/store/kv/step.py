"""One commit in the making: what was read, with the revisions to check, and what is to be put and deleted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from rota.model.records import ErrorRecord, KindDescriptor, TransitionRecord
from rota.model.state import State
from rota.store.histories import NUMBER, STATES
from rota.store.kv.changes import changes_head, write_changes
from rota.store.kv.entry import Entry, KindState, decode, encode
from rota.store.kv.keys import Keys, text
from rota.store.ordered_kv import Found, OrderedKV, Range, Value

if TYPE_CHECKING:
    from rota.store.kv.lanes import Lane

__all__ = ["NUMBERS", "SHARDS", "Conflict", "Step"]

SHARDS: Final = 16
NUMBERS: Final = len(STATES) + 1  #: kept per kind: one for each state, and how many their lanes hold back
_LANE_OPS: Final = 6  # keys of a lane, beside those of its instances
_ENTRY_BYTES: Final = 2_000  # what an instance takes beside its payloads

_PROCESSING: Final = NUMBER[State.PROCESSING]


class Conflict(Exception):
    """Somebody changed what this step read: begin it again. It never leaves `rota.store.kv`."""


class Step:
    """Reads and changes keys of one namespace. Every key that was asked for by name is checked by the commit; what came
    with a page is not, unless it is asked for as well.

    `counts` gathers how the numbers per kind and state change; `shard` is where this client keeps its part of them.
    `lanes` holds those that are changed; `marks` the ids with something left to be done in further commits.
    `changes` gathers what instances went through, as (id, kind, entry), while somebody follows; None otherwise.
    """

    def __init__(self, kv: OrderedKV, keys: Keys, now_ms: int, mono_ms: int, shard: int) -> None:
        self.kv = kv
        self.keys = keys
        self.now_ms = now_ms
        self.mono_ms = mono_ms
        self.shard = shard
        self.revision = 0
        self.counts: Counter[tuple[str, int]] = Counter()
        self.changes: list[tuple[bytes, str, TransitionRecord]] | None = None
        self.lanes: dict[tuple[str, str], Lane] = {}
        self.read_lanes: dict[tuple[str, str], Lane] = {}
        self.marks: list[bytes] = []
        self._kinds: dict[str, KindState] = {}
        self._pages: dict[Range, list[Found]] = {}
        self._bytes = 0
        self._known: dict[bytes, Value] = {}
        self._checked: set[bytes] = set()
        self._puts: dict[bytes, bytes] = {}
        self._deletes: set[bytes] = set()
        self._entries: dict[bytes, Entry] = {}
        self._dirty: dict[bytes, Entry] = {}

    # ---- reading -----------------------------------------------------------------------------

    def load(self, keys: Iterable[bytes], ranges: Sequence[Range] = ()) -> list[list[Found]]:
        """Read what is not known yet, in one round trip. Pages are as stored, without this step's own changes."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self._known]
        if not wanted and not ranges:
            return []
        first = not self._known
        if first:
            wanted += [self.keys.of(b"V"), changes_head(self)]
        self.revision, values, pages = self.kv.read(wanted, ranges)
        self._known.update(zip(wanted, values, strict=True))
        if first:
            self.follow()
        for page in pages:
            for key, value, revision in page:
                self._known.setdefault(key, (value, revision))
        return pages

    def page(self, wanted: Range, *keys: bytes) -> list[Found]:
        """What a range holds, read once in a step, and these keys with it."""
        if wanted not in self._pages:
            (self._pages[wanted],) = self.load(keys, [wanted])
        return self._pages[wanted]

    def keep(self, ranges: Sequence[Range], pages: Sequence[list[Found]]) -> None:
        """Let `page` answer what was read of these ranges."""
        self._pages.update(zip(ranges, pages, strict=False))

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, as this step leaves it."""
        self._checked.add(key)
        return self.peek(key)

    def peek(self, key: bytes) -> bytes | None:
        """The same, without a check."""
        if key in self._puts:
            return self._puts[key]
        if key in self._deletes:
            return None
        self.load([key])
        found = self._known[key]
        return None if found is None else found[0]

    def knows(self, key: bytes) -> bool:
        """Whether a key was read."""
        return key in self._known

    def revision_of(self, key: bytes) -> int:
        """The revision of a key as it was read; 0 when it was not there."""
        self.load([key])
        found = self._known[key]
        return 0 if found is None else found[1]

    def entry(self, instance_id: bytes) -> Entry | None:
        """The instance of that id; one object for the whole step."""
        if instance_id not in self._entries:
            self._checked.add(self.keys.instance(instance_id))
        found = self.peek_entry(instance_id)
        if found is not None:
            self._entries[instance_id] = found
        return found

    def peek_entry(self, instance_id: bytes) -> Entry | None:
        """The same, to be read alone: not checked."""
        if instance_id in self._entries:
            return self._entries[instance_id]
        key = self.keys.instance(instance_id)
        value = self.peek(key)
        if value is None:
            return None
        found: Entry = decode.entry(value)
        if found.state == _PROCESSING:
            found.token = self.revision_of(key)
        return found

    def kind(self, name: str) -> KindState:
        """What is kept of a kind."""
        self._checked.add(self.keys.of(b"K", text(name)))
        return self.peek_kind(name)

    def peek_kind(self, name: str) -> KindState:
        """The same, to be read alone: not checked."""
        if name not in self._kinds:
            value = self.peek(self.keys.of(b"K", text(name)))
            self._kinds[name] = KindState() if value is None else decode.kind(value)
        return self._kinds[name]

    def has(self, instance_id: bytes) -> bool:
        """Whether an instance is there; not checked."""
        return instance_id in self._entries or self.peek(self.keys.instance(instance_id)) is not None

    # ---- how much is in it ---------------------------------------------------------------------

    def fits(self, operations: int, size_bytes: int = 0) -> bool:
        """Whether one commit can carry so much more; an empty step carries any one item."""
        kinds = len({kind for kind, _ in self.counts}) + 1
        written = len(self._puts) + len(self._deletes) + len(self._dirty) + kinds + _LANE_OPS * len(self.lanes)
        most = max(written, len(self._checked) + kinds + 2 * len(self.lanes)) + operations
        return most <= self.kv.max_ops and self._bytes + size_bytes <= self.kv.max_bytes * 3 // 4

    def weigh(self, payload: bytes | None) -> None:
        """Count what an instance carries besides."""
        self._bytes += len(payload or b"")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self._puts or self._deletes or self._dirty or self.lanes)

    # ---- changing ----------------------------------------------------------------------------

    def put(self, key: bytes, value: bytes = b"") -> None:
        """Have a key put."""
        self._deletes.discard(key)
        self._puts[key] = value
        self._bytes += len(key) + len(value)

    def delete(self, key: bytes) -> None:
        """Have a key deleted, whether it is there or not."""
        self._puts.pop(key, None)
        self._deletes.add(key)
        self._bytes += len(key)

    def mark(self, instance_id: bytes) -> None:
        """Have something of an instance done in further commits."""
        self.put(self.keys.of(b"R", instance_id), encode(0))
        self.marks.append(instance_id)

    def follow(self) -> None:
        """Gather changes, when somebody follows them. Checked: who begins to meanwhile misses none."""
        if self.get(self.keys.of(b"V")) is not None:
            self.changes = []

    def note_added(self, instance_id: bytes, kind: str, state: int) -> None:
        """Keep what an instance went through as it was added: CREATED, and SCHEDULED when that followed at once."""
        if self.changes is not None:
            self.changes += [(instance_id, kind, TransitionRecord(one, self.now_ms)) for one in STATES[: state + 1]]

    def note_change(
        self, instance_id: bytes, entry: Entry, worker: str | None, reason: str | None, error: ErrorRecord | None
    ) -> None:
        """Keep the present state of an instance for those who follow."""
        if self.changes is not None:
            state = TransitionRecord(STATES[entry.state], self.now_ms, entry.attempt, worker, reason, error)
            self.changes.append((instance_id, entry.record.kind, state))

    def touch(self, instance_id: bytes, entry: Entry) -> None:
        """Have an instance written as it stands at the end of the step."""
        self._entries[instance_id] = entry
        if instance_id not in self._dirty:
            self._bytes += len(entry.record.arguments) + len(entry.history) + _ENTRY_BYTES
        self._dirty[instance_id] = entry

    def forget(self, instance_id: bytes) -> None:
        """Have an instance removed."""
        self._dirty.pop(instance_id, None)
        self._entries.pop(instance_id, None)
        self.delete(self.keys.instance(instance_id))

    def put_kind(self, name: str, descriptor: KindDescriptor | None, paused: bool) -> None:
        """Keep what is to be kept of a kind, if anything."""
        key = self.keys.of(b"K", text(name))
        self._kinds[name] = KindState(descriptor, paused)
        if descriptor is None and not paused:
            self.delete(key)
        else:
            self.put(key, encode(KindState(descriptor, paused, name)))

    def resume_kind(self, name: str) -> bool:
        """Have a kind paused no more, and its key put; whether it was."""
        known = self.kind(name)
        if known.paused:
            self.put(self.keys.of(b"K", text(name)), encode(KindState(known.descriptor, False, name)))
        return known.paused

    # ---- the end -----------------------------------------------------------------------------

    def commit(self) -> int:
        """Do all of it, and answer the revision. Raises: Conflict, with nothing done; StoreUnavailable, and then nobody
        knows: who repeats the operation finds what was done, and no commit counts anything twice, since its numbers and
        what they number are one."""
        self._write_counts()
        write_changes(self)
        for instance_id, entry in self._dirty.items():
            self.put(self.keys.instance(instance_id), encode(entry))
        if not self._puts and not self._deletes:
            return self.revision
        checks = {key: self.revision_of(key) for key in self._checked}
        revision = self.kv.commit(checks, self._puts, self._deletes)
        if revision is None:
            raise Conflict
        return revision

    def _write_counts(self) -> None:
        changed: dict[str, list[int]] = {}
        for (kind, state), number in self.counts.items():
            if number:
                changed.setdefault(kind, [0] * NUMBERS)[state] += number
        self.counts.clear()
        places = {kind: self.keys.of(b"o", text(kind), bytes([self.shard])) for kind in changed}
        self.load(places.values())
        for kind, numbers in changed.items():
            value = self.get(places[kind])
            _, before = (kind, [0] * NUMBERS) if value is None else decode.counts(value)
            after = [one + other for one, other in zip(before, numbers, strict=True)]
            if any(after):
                self.put(places[kind], encode((kind, after)))
            else:
                self.delete(places[kind])
