"""The contract between rota and a store: the whole of what core asks of a backend.

Rules that hold for every operation, and are not repeated below:

* **Synchronous and thread-safe.** Several threads call one store; several stores, in several
  processes, may work on one namespace.
* **Time** is integer milliseconds. Names ending in `_ms` on records are the store's clock
  (`now_ms`), names ending in `timeout_ms`, `wait_ms`, `lease_ms`, `delay_ms` are lengths.
* **Batches** answer per item, in order, and are atomic per item. Beyond the errors that
  an operation names, a call raises only `StoreUnavailable`: any part may have been done; the caller
  repeats the same call.
* **Idempotence** (invariant 9): an operation repeated after an unknown outcome has the effect of one.
* **Errors** are those of `rota.model.errors` alone. An undeclared feature raises `UnsupportedFeature`.

The invariants, which every store must hold:

 1. Accepted is kept: once `enqueue` answers, the instance is run at least once or ends visibly.
 2. One holder: at most one worker holds an instance; tokens rise strictly per instance.
 3. Fencing: a settle with any token but the current one changes nothing.
 4. Recovery: a dead worker's instances are available again within lease + 5 s while someone reaps.
 5. Order: for claims that don't overlap, exactly ready order; nothing due is passed over for
    something that is not.
 6. History: a state change and its entry are one step; each history is a path of `state.MOVES`.
 7. Finality: a final instance never changes again.
 8. One slot, one instance.
 9. Idempotence, as above; a repeated claim costs no attempt.
10. Isolation: namespaces never see each other; `clear` touches its own only.
11. Pages: a scan in id order misses and repeats nothing that stood throughout.
12. No leaks: after purge the backend holds what it held before.
13. Dependents: one becomes due exactly once, when the last parent has ended.
14. Refusal: an undeclared feature raises `UnsupportedFeature`.
15. Cost: O(kinds + log n) and a constant number of round trips per batch.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, Protocol

import msgspec

from rota.model.query import InstanceFilter, LogFilter, PurgeFilter
from rota.model.records import (
    BeatReply,
    ChangePage,
    Claim,
    Document,
    EnqueueAnswer,
    FindPage,
    History,
    InstanceRecord,
    KindDescriptor,
    KindStats,
    LogPage,
    LogRecord,
    Outcome,
    Reaped,
    ScheduleRecord,
    SettleAnswer,
    Snapshot,
    WorkerRecord,
)
from rota.model.state import State

__all__ = [
    "CancelAnswer",
    "Feature",
    "FireAnswer",
    "MAX_BATCH",
    "MAX_DOCUMENTS",
    "MAX_DOCUMENT_BYTES",
    "MAX_FOLLOWUPS",
    "MAX_HISTORY",
    "MAX_LOG_BYTES",
    "MAX_LOG_LINES",
    "MAX_LOOKED_AT",
    "MAX_PARENTS",
    "MAX_PROMOTED",
    "MAX_WAIT_MS",
    "Store",
    "StoreCapabilities",
]

MAX_BATCH: Final = 1000  #: items in one call; core never sends more
MAX_LOOKED_AT: Final = 1000  #: records that one `find` or `count` step looks at
MAX_PROMOTED: Final = 500  #: delayed instances that one claim makes ready, per kind
MAX_WAIT_MS: Final = 5000  #: the longest that `wait` sleeps
MAX_FOLLOWUPS: Final = 16
MAX_PARENTS: Final = 1000  #: instances that one may depend on
MAX_HISTORY: Final = (2, 62)  #: entries kept: the first 2 and the last 62
MAX_LOG_LINES: Final = 10_000  #: lines kept of one instance, the newest
MAX_LOG_BYTES: Final = 1_048_576  #: and their text, in UTF-8
MAX_DOCUMENTS: Final = 16  #: documents in one `save`
MAX_DOCUMENT_BYTES: Final = 262_144

#: Extended features, declared by `StoreCapabilities.features`; everything else is core.
Feature = Literal[
    "dependencies", "limits", "rate", "changes", "push", "wake_one", "push_cancel",
    "multi_process", "durable", "exact_count",
]  # fmt: skip

CancelAnswer = Literal["canceled", "requested", "final", "changed", "missing"]
FireAnswer = Literal["fired", "skipped", "lost"]


class StoreCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a store can do, read by core as well as by the conformance suite."""

    features: frozenset[Feature]
    clock: Literal["server", "host", "client"]
    time_resolution_ms: int = 1
    min_lease_ms: int = 100
    max_payload_bytes: int = 16 * 1024 * 1024


class Store(Protocol):
    """One namespace of one backend."""

    @property
    def capabilities(self) -> StoreCapabilities:
        """What this store declares; constant. (LIFE-6)"""
        ...

    @property
    def namespace(self) -> str:
        """The namespace that every operation is about."""
        ...

    def namespaced(self, namespace: str) -> "Store":
        """The same backend and connection, another namespace. O(1), no I/O. (NS-1, NS-3; invariant 10)"""
        ...

    # ---- life cycle --------------------------------------------------------------------------

    def open(self) -> None:
        """Connect. Idempotent; other operations connect by themselves when it was not called.

        Raises: StoreUnavailable; IncompatibleStore when the namespace has another layout.

        (LIFE-1, DUR-3; invariants 1, 9)
        """
        ...

    def close(self) -> None:
        """Let go of every connection and wake every blocked call. Idempotent; the store may be
        opened again. What is stored stays.

        (LIFE-2, LIFE-3)
        """
        ...

    def clear(self, *, force: bool = False) -> None:
        """Remove everything in the namespace.

        Raises: ConfigError while a worker lives there, unless `force`.

        (LIFE-4, NS-2; invariant 10)
        """
        ...

    def now_ms(self) -> int:
        """The store's clock, milliseconds since 1970 UTC. One round trip at most. (LIFE-5)"""
        ...

    # ---- the queue ---------------------------------------------------------------------------

    def enqueue(self, records: Sequence[InstanceRecord]) -> list[EnqueueAnswer]:
        """Add instances with their CREATED and SCHEDULED history, in list order.

        A record with `delay_ms` becomes due that long after this step by the store's clock.
        `refused` answers a record that can't be accepted (too large, an unknown parent) and says why.

        Dependencies (feature "dependencies"). A record with `depends_on`, up to `MAX_PARENTS` ids, stays
        CREATED until its last parent has ended, and is released then, once: SCHEDULED, its delay and
        `expires_after_ms` counted from there. A parent that ended other than COMPLETED makes it CANCELED at once,
        reason "parent", unless `on_parent_failure` is "run"; so do its own dependents end. Parents that have
        ended before count as ended; parents precede dependents in the list. What one step can't carry of an
        ended parent's dependents, later steps do, `reap` at the latest. Until a dependent is final its parents
        are not purged, so that it finds their results. `expires_ms` holds for CREATED too.

        Limits (features "limits", "rate"). A record with a `lane` waits in it, see `claim`.
        Cost: one step per batch of up to `MAX_BATCH`; O(log n) each.

        (ENQ-1, ENQ-2, ENQ-3, ENQ-4, ENQ-5, ENQ-6, ENQ-7, ENQ-8, ENQ-9, ENQ-10, ENQ-11, DEP-1, DEP-2, DEP-3,
        DEP-7, DEP-8, DEP-9, REF-1, FLT-2, DUR-1, DUR-2; invariants 1, 2, 3, 6, 7, 9, 13, 14)
        """
        ...

    def claim(self, worker: str, seq: int, kinds: Sequence[str], limit: int, wait_ms: int = 0) -> list[Claim]:
        """Hand up to `limit` due instances of `kinds` to `worker`, in ready order.

        Ready order is (rank, due, id). A claim first promotes what has become due, at most
        `MAX_PROMOTED` per kind; paused kinds are left alone. Each claimed instance goes to PROCESSING
        with a new token, its attempt counted. One whose `expires_ms` has come before its first claim is
        CANCELED instead, reason "expired"; what was claimed once has started and expires no more, whether
        it comes back as a retry, released or crashed. A store cancels the expired in bounded steps and goes
        on until it has an answer: they alone are no reason for an empty one.

        What limits hold back (`put_kinds`) is passed over: ready order is among those that may start. Of a
        lane only its first in ready order may be next; a lane at its bound, by PROCESSING instances or by its rate,
        gives none, and one that is held back never keeps another from starting, however many there are. A kind at
        its gate gives none at all. A claim counts against lane and gate until the attempt ends, and takes of their
        rates, whatever becomes of it.
        With nothing due it blocks up to `wait_ms` until something is, or until `interrupt(worker)`; a store whose
        backend can't block waits as `wait` does, and looks again.
        `seq` rises by one with each new claim of a worker; the same `seq` again returns the same
        answer and changes nothing, so a lost reply strands nothing; what was purged since may be
        missing in it.
        Raises: LeaseLost when the worker is not live (call `beat` first).
        Cost: O(kinds + limit * log n), a constant number of round trips.

        (CLM-1, CLM-2, CLM-3, CLM-4, CLM-5, CLM-6, CLM-7, CLM-8, CLM-9, CLM-10, CLM-11, CLM-12, CLM-13,
        WRK-14, WRK-15, LIM-1, LIM-2, LIM-3, LIM-4, RATE-1, MOD-1, COST-1, COST-2, COST-3; invariants 1, 2, 3,
        5, 6, 7, 9, 15)
        """
        ...

    def settle(self, outcomes: Sequence[Outcome]) -> list[SettleAnswer]:
        """End attempts: append history, keep the result, send retries back, add follow-ups.

        COMPLETED, TERMINATED, CANCELED, TIMED_OUT are final, unless `retry_after_ms` is set: then
        the history gets the ending and SCHEDULED in one step, due that long from now. RELEASED goes
        back to SCHEDULED, due now, reason "released", the attempt not counted. CRASHED goes back with
        reason "crashed" and counts a crash; beyond the record's `max_crashes` the instance is
        TERMINATED, reason "poison". Whatever would go back to the queue is CANCELED instead when a
        cancel was requested. Up to `MAX_FOLLOWUPS` records of an outcome are enqueued in the same step.
        Accepted from the holder until it is reaped, also after the end of its lease.
        Raises: ConfigError when an outcome has more than `MAX_FOLLOWUPS`, for the whole call, before
        anything is done.
        Cost: one step per batch; O(log n) each.

        (SET-1, SET-2, SET-3, SET-4, SET-5, SET-6, SET-7, SET-8, SET-9, SET-10, SET-11, SET-12, DEP-4, DEP-5,
        FLT-1; invariants 1, 3, 6, 7, 9, 13)
        """
        ...

    def cancel(self, ids: Sequence[str], where: frozenset[State] | None = None) -> list[CancelAnswer]:
        """Cancel instances whose state is in `where` (None: any that is not final).

        `canceled`: it was queued and is CANCELED now. `requested`: it is running; its worker learns
        of it by `beat`. `final`: it had ended. `changed`: its state is not in `where` any more.
        `missing`: no such instance. Idempotent.

        (CAN-1, CAN-2, CAN-3, CAN-4, CAN-5; invariants 7, 9)
        """
        ...

    def reap(self, limit: int = 100) -> list[Reaped]:
        """Take back what dead workers hold, and cancel what expired in the queue, never claimed (`claim`);
        at most `limit`.

        A worker whose lease has ended is marked dead first: from then on its claims, beats and settles
        are refused. Each of its instances is then treated like `settle(CRASHED)`.
        Any number of callers may reap at once.

        (WRK-3, WRK-4, WRK-5, WRK-8, WRK-9, WRK-10; invariants 1, 2, 3, 4)
        """
        ...

    def pause(self, kinds: Iterable[str]) -> None:
        """Let no claim take these kinds until `resume`; what runs goes on. Idempotent. (CLM-14)"""
        ...

    def resume(self, kinds: Iterable[str]) -> None:
        """Undo `pause` and wake the waiting. Idempotent."""
        ...

    # ---- workers -----------------------------------------------------------------------------

    def beat(self, worker: str, lease_ms: int, info: WorkerRecord, wait_ms: int = 0) -> BeatReply:
        """Make `worker` live, or renew its one lease, which covers all its claims, by `lease_ms`.

        The reply lists every instance it holds with a cancel request, and the concurrency that `resize` asked for,
        until `info` of a beat shows it. The call returns at once when one of these has not been delivered before,
        else up to `wait_ms` later, or at `interrupt(worker)`.
        `lost` once it was reaped, for a bounded time at least: a worker that was reaped takes a new id.
        The end of a lease is only a permission to reap.

        (WRK-1, WRK-2, WRK-11; invariants 2, 4)
        """
        ...

    def retire(self, worker: str) -> None:
        """The worker is gone, in order: forget it. What it still holds is treated as RELEASED. Idempotent. (WRK-6)"""
        ...

    def workers(self) -> list[WorkerRecord]:
        """Live workers, by id."""
        ...

    def resize(self, worker: str, concurrency: int) -> bool:
        """Ask a live worker for another number of slots, which its `beat` delivers; False when it is not live.
        The last word stands. Idempotent.

        (WRK-7)
        """
        ...

    def wait(self, worker: str, kinds: Sequence[str], timeout_ms: int) -> None:
        """Return when there may be work of `kinds`: something enqueued, released, due, resumed, let go by a limit
        (a settle, a refilled rate); at `interrupt(worker)`; after `timeout_ms`, or `MAX_WAIT_MS`. May return early.

        (WRK-12, RATE-2)
        """
        ...

    def interrupt(self, waiter: str) -> None:
        """End the blocked `claim`, `wait`, `beat` or `await_final` of that worker or waiter, or its
        next one when none is blocked now. Same process only.

        (WRK-13)
        """
        ...

    # ---- kinds and schedules -----------------------------------------------------------------

    def put_kinds(self, descriptors: Sequence[KindDescriptor]) -> None:
        """Publish kinds; the last word stands.

        The limits of a descriptor hold from this step on, for what is queued already too; at most one has a key.
        A kind that was never published has none. Raises: UnsupportedFeature, for the whole call and before
        anything is done, for "limits" or "rate" where they are not declared.

        (KND-1, LIM-5; invariant 14)
        """
        ...

    def kinds(self) -> list[KindDescriptor]:
        """What was published, by kind."""
        ...

    def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord:
        """Add or change a recurring rule by its identity (owner, name); answers it as it stands.

        The first slots are the caller's (`next_slot_ms`). A changed rule keeps `paused`, `last_slot_ms`
        and `last_id`; an unchanged one keeps all, `next_slot_ms` too. Each change gives a new version.

        (SCH-1, SCH-2)
        """
        ...

    def patch_schedule(
        self, schedule: ScheduleRecord, *, paused: bool, next_slot_ms: int | None
    ) -> ScheduleRecord | None:
        """Pause a rule or let it go on, `next_slot_ms` being its next slot from then on; what stands afterwards, with
        a new version.

        Compare-and-set on `schedule.version`, as `fire`: None, and nothing changed, when the rule was changed, fired
        or dropped since `schedule` was read. So no slot is set back, and a call that is repeated changes nothing.

        (SCH-9)
        """
        ...

    def drop_schedule(self, name: str, owner: str | None = None) -> bool:
        """Forget a rule; False when there was none. What it fired stays. (SCH-10)"""
        ...

    def schedules(self) -> list[ScheduleRecord]:
        """All rules, by name."""
        ...

    def sync_schedules(
        self, owner: str, fingerprint: str, revision: int | None, schedules: Sequence[ScheduleRecord]
    ) -> bool:
        """Make the rules of `owner` those of the declared set `schedules`, when that set stands.

        Among the live workers of the owner the set (named by its fingerprint) with the highest
        revision stands; without revisions the one whose earliest worker started last
        (`rota.engine.reconcile`). `revision` is the caller's own; it travels in the worker's beat
        (`WorkerRecord`) too, so a store may ignore it here.
        True when it stood: rules no longer declared are dropped, new and changed ones are put as by
        `put_schedule`. False, and nothing changed, when another set stands.

        (SCH-8)
        """
        ...

    def due_schedules(self, limit: int = 100) -> tuple[list[ScheduleRecord], int | None]:
        """Rules whose `next_slot_ms` has come and that are not paused, earliest first, and the next
        slot still to come, if any.

        (SCH-3)
        """
        ...

    def fire(
        self, schedule: ScheduleRecord, slot_ms: int, next_ms: int | None, records: Sequence[InstanceRecord]
    ) -> FireAnswer:
        """Record the slot `slot_ms` of a rule as fired and add its instances, in one step.

        Compare-and-set on `schedule.version`: one caller gets `fired`, all others `lost`. `skipped`:
        overlap is "skip" and the last instance is not final, so the slot passes without one.
        `next_slot_ms` becomes `next_ms`. The ids of `records` are made from rule and slot.

        (SCH-4, SCH-5, SCH-6, SCH-7; invariants 8, 9)
        """
        ...

    # ---- observation -------------------------------------------------------------------------

    def get(self, ids: Sequence[str]) -> list[Snapshot | None]:
        """Instances as they stand; None for one that is not there. (GET-1)"""
        ...

    def find(self, query: InstanceFilter, cursor: str | None = None, limit: int = 100) -> FindPage:
        """A page of instances in id order, which is creation order, newest or oldest first.

        Looks at no more than `MAX_LOOKED_AT` records, so a page may be short or empty; only a cursor
        of None ends the answer. Raises: QueryError for a cursor that is not one.

        (FND-1, FND-2, FND-3, FND-4; invariant 11)
        """
        ...

    def count(self, query: InstanceFilter, limit: int | None = None) -> int:
        """How many match, counting no further than `limit`. Exact where `exact_count` is declared. (FND-5)"""
        ...

    def stats(self, kinds: Iterable[str] | None = None) -> list[KindStats]:
        """Per kind that has instances or is paused: numbers from kept counters.

        `oldest_due_ms` is the due time of the next to be claimed, which need not be the oldest of the due;
        None when nothing is due. O(kinds).

        (FND-6, LIM-6)
        """
        ...

    def history(self, ids: Sequence[str]) -> list[History | None]:
        """What happened to each; None for one that is not there. (HIS-1, HIS-2, HIS-3; invariant 6)"""
        ...

    def append_logs(self, lines: Sequence[LogRecord]) -> None:
        """Keep lines and progress. A line of an instance that is gone is dropped. Of an instance the newest lines
        are kept, at most `MAX_LOG_LINES` and `MAX_LOG_BYTES` of text; positions of `logs` go on counting, so a
        reader notices what was dropped.

        (LOG-2, LOG-3, LOG-4; invariant 9)
        """
        ...

    def logs(self, query: LogFilter, timeout_ms: int = 0) -> LogPage:
        """Lines from `query.position` on. With none there and the instance not final, blocks up to
        `timeout_ms` for the next. Raises: UnknownInstance.

        (LOG-1, LOG-5)
        """
        ...

    def await_final(self, ids: Sequence[str], timeout_ms: int, waiter: str = "") -> list[str]:
        """Those of `ids` that are final or gone, as soon as there is one; none after `timeout_ms`, or at
        `interrupt(waiter)`.

        (AWT-1)
        """
        ...

    def changes(self, cursor: str | None = None, limit: int = 1000, timeout_ms: int = 0) -> ChangePage:
        """State changes after `cursor`, in order; without one, none, and the cursor of now.

        Blocks up to `timeout_ms` for the first. Raises: CursorExpired when some after the cursor are
        no longer kept. Feature `changes`.

        (CHG-1, CHG-2; invariant 6)
        """
        ...

    def purge(self, query: PurgeFilter, limit: int = 1000) -> int:
        """Remove up to `limit` finished instances that match, those that ended first, with all that belongs to
        them; how many were removed. Call again until it answers 0.

        One that a dependent which is not final depends on stays.

        (PRG-1, PRG-2, PRG-3, PRG-4, DEP-6; invariants 1, 12, 13)
        """
        ...

    def drop_logs(self, query: PurgeFilter, cursor: str | None = None, limit: int = 1000) -> tuple[int, str | None]:
        """Remove the log lines of finished instances that match; the instances stay, their progress too.

        Goes through up to `limit` of them by the time of their end, beyond `cursor`: how many lost lines, and where
        to go on, None at the end.

        (LOG-6)
        """
        ...

    # ---- documents ---------------------------------------------------------------------------

    def load(self, keys: Sequence[str]) -> list[Document | None]:
        """Documents by key; None for one that is not there."""
        ...

    def save(self, documents: Sequence[Document]) -> list[int] | None:
        """Write up to `MAX_DOCUMENTS` documents, all or none: None when any stored version is not
        the one given. Answers the new versions (0 for a deleted one).

        Raises: ConfigError for too many, or one over `MAX_DOCUMENT_BYTES`.

        (DOC-1, DOC-2, DOC-4; invariant 9)
        """
        ...

    def scan(self, prefix: str, cursor: str | None = None, limit: int = 100) -> tuple[list[Document], str | None]:
        """Documents whose key starts with `prefix`, by key; the cursor is None at the end. (DOC-3; invariant 11)"""
        ...
