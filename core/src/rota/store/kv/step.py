"""One commit in the making: what was read, with the revisions to check, and what is to be put and deleted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from rota.model.records import ErrorRecord, KindDescriptor, TransitionRecord
from rota.model.state import State
from rota.store.histories import NUMBER, STATES
from rota.store.kv.entry import Entry, KindState, decode, encode
from rota.store.kv.keys import Keys, text
from rota.store.ordered_kv import Found, OrderedKV, Range, Value

__all__ = ["Conflict", "Step"]

_PROCESSING: Final = NUMBER[State.PROCESSING]


class Conflict(Exception):
    """Somebody changed what this step read: begin it again. It never leaves `rota.store.kv`."""


class Step:
    """Reads and changes keys of one namespace. Every key that was asked for by name is checked by the commit; what came
    with a page is not, unless it is asked for as well.

    `counts` gathers how the numbers per kind and state change; `shard` is where this client keeps its part of them.
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
            wanted.append(self.keys.of(b"V"))
        self.revision, values, pages = self.kv.read(wanted, ranges)
        self._known.update(zip(wanted, values, strict=True))
        if first:
            self.follow()
        for page in pages:
            for key, value, revision in page:
                self._known.setdefault(key, (value, revision))
        return pages

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, as this step leaves it."""
        self._checked.add(key)
        if key in self._puts:
            return self._puts[key]
        if key in self._deletes:
            return None
        self.load([key])
        found = self._known[key]
        return None if found is None else found[0]

    def revision_of(self, key: bytes) -> int:
        """The revision of a key as it was read; 0 when it was not there."""
        self.load([key])
        found = self._known[key]
        return 0 if found is None else found[1]

    def entry(self, instance_id: bytes) -> Entry | None:
        """The instance of that id; one object for the whole step."""
        if instance_id in self._entries:
            return self._entries[instance_id]
        key = self.keys.instance(instance_id)
        value = self.get(key)
        if value is None:
            return None
        found: Entry = decode.entry(value)
        if found.state == _PROCESSING:
            found.token = self.revision_of(key)
        self._entries[instance_id] = found
        return found

    def kind(self, name: str) -> KindState:
        """What is kept of a kind."""
        value = self.get(self.keys.of(b"K", text(name)))
        return KindState() if value is None else decode.kind(value)

    # ---- changing ----------------------------------------------------------------------------

    def put(self, key: bytes, value: bytes = b"") -> None:
        """Have a key put."""
        self._deletes.discard(key)
        self._puts[key] = value

    def delete(self, key: bytes) -> None:
        """Have a key deleted, whether it is there or not."""
        self._puts.pop(key, None)
        self._deletes.add(key)

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
        self._dirty[instance_id] = entry

    def forget(self, instance_id: bytes) -> None:
        """Have an instance removed."""
        self._dirty.pop(instance_id, None)
        self._entries.pop(instance_id, None)
        self.delete(self.keys.instance(instance_id))

    def put_kind(self, name: str, descriptor: KindDescriptor | None, paused: bool) -> None:
        """Keep what is to be kept of a kind, if anything."""
        key = self.keys.of(b"K", text(name))
        if descriptor is None and not paused:
            self.delete(key)
        else:
            self.put(key, encode(KindState(descriptor, paused)))

    # ---- the end -----------------------------------------------------------------------------

    def commit(self) -> int:
        """Do all of it, and answer the revision. Raises: Conflict, with nothing done; StoreUnavailable, and then nobody
        knows: who repeats the operation finds what was done, and no commit counts anything twice, since its numbers and
        what they number are one."""
        self._write_counts()
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
                changed.setdefault(kind, [0] * len(STATES))[state] += number
        self.counts.clear()
        places = {kind: self.keys.of(b"o", text(kind), bytes([self.shard])) for kind in changed}
        self.load(places.values())
        for kind, numbers in changed.items():
            value = self.get(places[kind])
            _, before = (kind, [0] * len(STATES)) if value is None else decode.counts(value)
            after = [one + other for one, other in zip(before, numbers, strict=True)]
            if any(after):
                self.put(places[kind], encode((kind, after)))
            else:
                self.delete(places[kind])
