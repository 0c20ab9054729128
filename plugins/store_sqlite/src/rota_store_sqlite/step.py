"""One transaction that changes a namespace: its time, and what it gathers to be written at its end."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any, Final

import msgspec

from rota.engine.limits import Bound, bounds
from rota.model.records import ErrorRecord, KindDescriptor, TransitionRecord
from rota_store_sqlite.entry import COLUMNS, STATES, Entry, as_bytes
from rota_store_sqlite.statements import statements

__all__ = ["Kind", "Step"]

_INSTANCE: Final = {name: text.replace("{columns}", COLUMNS) for name, text in statements("instance").items()}
_NAMESPACE: Final = statements("namespace")
_decode_descriptor: Final = msgspec.msgpack.Decoder(KindDescriptor).decode


class Kind(msgspec.Struct, frozen=True):
    """A row of `kind`."""

    id: int
    name: str
    paused: int
    descriptor: bytes | None
    tat_us: int

    @property
    def gate(self) -> Bound | None:
        """The bound on the kind as a whole."""
        return _bounds(self.descriptor)[0]

    @property
    def per_lane(self) -> Bound:
        """The bound on each of its lanes."""
        return _bounds(self.descriptor)[1]


@lru_cache(1024)
def _bounds(descriptor: bytes | None) -> tuple[Bound | None, Bound]:
    limits = () if descriptor is None else _decode_descriptor(descriptor).limits
    gate, lane = bounds(limits)
    return None if gate is None else Bound(gate), Bound(lane)


class Step:
    """Reads and changes rows of one namespace. `view.View` writes what was gathered: rows, lanes, counters, changes.

    `rings` gathers the topics of what happened that a blocked call may be waiting for.
    """

    def __init__(self, connection: sqlite3.Connection, ns: int, now_ms: int, mono_ms: int) -> None:
        self.connection = connection
        self.ns = ns
        self.now_ms = now_ms
        self.mono_ms = mono_ms
        self.rings = 0
        self.lanes: dict[tuple[int, str], int] = {}  # those to look at again, with the change in what runs
        self.changes: list[tuple[bytes, int, TransitionRecord]] | None = None  # a list while somebody follows
        self.counts: Counter[tuple[int, int]] = Counter()
        self._entries: dict[int, Entry] = {}  # read in this step: one object a row
        self._dirty: dict[int, Entry] = {}

    @cached_property
    def has_edges(self) -> bool:
        """Whether anything in the file depends on anything; set when the step adds an edge."""
        return self.connection.execute("SELECT 1 FROM edge LIMIT 1").fetchone() is not None

    def follow(self) -> None:
        """Gather changes, when somebody follows them."""
        if self.one(_NAMESPACE, "state", self.ns)[0]:
            self.changes = []

    # ---- rows --------------------------------------------------------------------------------

    def one(self, group: dict[str, str], name: str, *parameters: Any) -> Any:
        """The one row of an answer; None without any."""
        return self.connection.execute(group[name], parameters).fetchone()

    def entry(self, instance_id: str) -> Entry | None:
        """The instance of that id."""
        row = self.connection.execute(_INSTANCE["by_id"], (self.ns, as_bytes(instance_id))).fetchone()
        return None if row is None else self._known(row)

    def has(self, instance_id: str) -> bool:
        """Whether there is an instance of that id."""
        return self.one(_INSTANCE, "n_by_id", self.ns, as_bytes(instance_id)) is not None

    def entry_at(self, n: int) -> Entry:
        """The instance of that row."""
        found = self._entries.get(n)
        return found if found is not None else self._known(self.one(_INSTANCE, "by_n", n))

    def entries(self, name: str, *parameters: Any) -> list[Entry]:
        """The instances that a statement of `sql/instance.sql` answers."""
        self.flush()
        return [self._known(row) for row in self.connection.execute(_INSTANCE[name], parameters).fetchall()]

    def _known(self, row: tuple[Any, ...]) -> Entry:
        found = self._entries.get(row[0])
        if found is None:
            found = self._entries[row[0]] = Entry(*row)
        return found

    def set_place(self, n: int, place: int) -> None:
        """Move a queued row between its lane and the ready order."""
        self.connection.execute(_INSTANCE["set_place"], (place, n))
        if n in self._entries:
            self._entries[n].place = place

    def touch(self, entry: Entry) -> None:
        """Note that it was changed."""
        self._dirty[entry.n] = entry

    def flush(self) -> None:
        """Write the rows that were changed, so that statements see them."""
        if self._dirty:
            self.connection.executemany(_INSTANCE["save"], map(_saved, self._dirty.values()))
            self._dirty.clear()

    # ---- kinds -------------------------------------------------------------------------------

    def kind(self, name: str) -> Kind | None:
        """The kind of that name."""
        row = self.one(_NAMESPACE, "kind", self.ns, name)
        return None if row is None else Kind(*row)

    def kind_of(self, entry: Entry) -> Kind:
        """The kind of an instance."""
        return Kind(*self.one(_NAMESPACE, "kind_by_id", entry.kind))

    def made_kind(self, name: str) -> Kind:
        """The same, made when it is not there."""
        found = self.kind(name)
        if found is None:
            (number,) = self.one(_NAMESPACE, "add_kind", self.ns, name)
            found = Kind(number, name, 0, None, 0)
        return found

    def named_kinds(self, names: Iterable[str]) -> Iterator[Kind]:
        """Those of these names that are there, each once."""
        for name in dict.fromkeys(names):
            found = self.kind(name)
            if found is not None:
                yield found

    def note_running(self, kind: int, lane: str, change: int) -> None:
        """Look at a lane again before the step ends; `change` is how many more of it run."""
        self.lanes[kind, lane] = self.lanes.get((kind, lane), 0) + change

    def note_added(self, instance_id: bytes, kind: int, state: int) -> None:
        """Keep what an instance went through as it was added: CREATED, and SCHEDULED when that followed at once."""
        if self.changes is not None:
            self.changes += [(instance_id, kind, TransitionRecord(one, self.now_ms)) for one in STATES[: state + 1]]

    def note_change(self, entry: Entry, worker: str | None, reason: str | None, error: ErrorRecord | None) -> None:
        """Keep the present state of an instance for those who follow."""
        if self.changes is not None:
            state = TransitionRecord(STATES[entry.state], self.now_ms, entry.attempt, worker, reason, error)
            self.changes.append((entry.id, entry.kind, state))

    def running(self, kind: int) -> int:
        """How many of a kind are PROCESSING."""
        row = self.one(_NAMESPACE, "running", kind)
        return (0 if row is None else row[0]) + self.counts[kind, 2]

    def write_counts(self) -> None:
        """Write the counters."""
        changed = [(*key, number) for key, number in self.counts.items() if number]
        if changed:
            self.connection.executemany(_NAMESPACE["count"], changed)
        self.counts.clear()


def _saved(entry: Entry) -> tuple[Any, ...]:
    return (
        entry.state, entry.place, entry.due_ms, entry.unique_key, entry.expires_ms, entry.worker, entry.token,
        entry.settled, entry.attempt, entry.crashes, entry.cancel, entry.started_ms, entry.ended_ms, entry.reason,
        entry.result, entry.error, entry.history, entry.entries, entry.dropped, entry.n,
    )  # fmt: skip
