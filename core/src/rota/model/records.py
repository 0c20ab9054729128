"""What stores keep and answer: frozen data, integer milliseconds named `*_ms`, ids as 32 hex digits.

Everything here encodes with msgspec. A field that a newer version adds has a default.
"""

from enum import Enum
from typing import Final, Literal

import msgspec

from rota.model.state import State

__all__ = [
    "BackoffRecord", "BeatReply", "Change", "ChangePage", "Claim", "Document", "Ending", "EnqueueAnswer",
    "ErrorRecord", "FindPage", "History", "InstanceRecord", "KeepRecord", "KindDescriptor", "KindStats", "LimitRecord",
    "LogPage", "LogRecord", "Outcome", "ParameterRecord", "Reaped", "RetryRecord", "ScheduleRecord", "SettleAnswer",
    "Snapshot", "TransitionRecord", "TriggerRecord", "WEEK_MS", "WorkerRecord",
]  # fmt: skip


WEEK_MS: Final = 7 * 86_400_000  #: how long finished instances and their logs stay unless said otherwise


class ErrorRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An exception as text. `category` tells how the attempt ended, and with it the public error class."""

    category: Literal["failed", "timed_out", "canceled", "crashed"]
    type_name: str
    message: str
    traceback: str = ""


class BackoffRecord(msgspec.Struct, frozen=True, gc=False):
    """A wait before the n-th retry: min(cap, first * factor ** (n - 1)), drawn from zero up with jitter."""

    first_ms: int
    cap_ms: int
    factor: float = 1.0
    jitter: bool = False


class RetryRecord(msgspec.Struct, frozen=True, gc=False):
    """Retries asked for at the schedule call. Exception classes travel by qualified name ("builtins.OSError")
    and match any class of that name in the raised exception's bases."""

    max_retries: int
    backoff: BackoffRecord
    on: tuple[str, ...] = ("builtins.Exception",)
    never_on: tuple[str, ...] = ()
    timeouts: bool = True


class InstanceRecord(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What was asked for: written once by `enqueue`, never changed.

    Exactly one of `due_ms` (absolute) and `delay_ms` (added to the store's clock in the enqueue step)
    sets the due time; likewise `expires_ms` and `expires_after_ms` the end of the wait in the queue.
    None in `timeout_ms` and `retry` leaves the choice to the definition in the worker; a `timeout_ms`
    of 0 is no bound. `lane` is the rendered key of the kind's limit per key, None when it has none. With
    `depends_on` delay and `expires_after_ms` count from the release. `parent` is the instance in whose job
    it was scheduled.
    """

    id: str
    kind: str
    arguments: bytes
    rank: int
    created_ms: int
    priority: int = 5
    due_ms: int | None = None
    delay_ms: int = 0
    expires_ms: int | None = None
    expires_after_ms: int | None = None
    timeout_ms: int | None = None
    retry: RetryRecord | None = None
    max_crashes: int = 3
    unique_key: str | None = None
    unique_until: Literal["started", "finished"] = "finished"
    lane: str | None = None
    schedule: str | None = None
    slot_ms: int | None = None
    parent: str | None = None
    retry_of: str | None = None
    depends_on: tuple[str, ...] = ()
    on_parent_failure: Literal["cancel", "run"] = "cancel"


class TransitionRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One entry of a history, in the store's clock. `attempt` counts from 1; 0 before the first."""

    state: State
    at_ms: int
    attempt: int = 0
    worker: str | None = None
    reason: str | None = None
    error: ErrorRecord | None = None


class Snapshot(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """An instance as it stands at one read. `expires_ms` and `due_ms` are absolute, in the store's clock;
    `token` is that of the last claim, 0 before the first. While it waits for its parents (CREATED) `progress`
    is the fraction of them that have ended, and `due_ms` is not known yet: when it was enqueued."""

    record: InstanceRecord
    state: State
    due_ms: int
    attempt: int = 0
    token: int = 0
    crashes: int = 0
    expires_ms: int | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    worker: str | None = None
    reason: str | None = None
    progress: float | None = None
    progress_message: str = ""
    cancel_requested: bool = False
    result: bytes | None = None
    error: ErrorRecord | None = None


class EnqueueAnswer(msgspec.Struct, frozen=True, gc=False):
    """What became of one record: `added`, `exists` (same id), `duplicate` (`id` holds the unique key),
    `refused` (`error` says why). `due_ms` is the due time by the store's clock when added, and `state` where it
    stands then: CREATED while parents have not ended, CANCELED when one has failed already."""

    status: Literal["added", "exists", "duplicate", "refused"]
    id: str
    due_ms: int = 0
    error: str = ""
    state: State = State.SCHEDULED


class Claim(msgspec.Struct, frozen=True, gc=False):
    """An instance handed to a worker. `attempt` is the number of this attempt, from 1; a crash or a
    release gives the number back. `started_ms` is the claim's time by the store's clock."""

    record: InstanceRecord
    token: int
    attempt: int
    due_ms: int
    started_ms: int
    crashes: int = 0


class Ending(Enum):
    """How an attempt ended."""

    COMPLETED = "completed"
    TERMINATED = "terminated"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    RELEASED = "released"

    __hash__ = object.__hash__


class Outcome(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One item of `settle`; (id, token) is its operation id.

    `retry_after_ms` (TERMINATED and TIMED_OUT only) sends it back to the queue that long from now.
    """

    id: str
    token: int
    ending: Ending
    result: bytes | None = None
    error: ErrorRecord | None = None
    retry_after_ms: int | None = None
    reason: str | None = None
    followups: tuple[InstanceRecord, ...] = ()


class SettleAnswer(msgspec.Struct, frozen=True, gc=False):
    """`done`: accepted now. `already`: this very outcome was accepted before. `lost`: another token holds,
    or none. `state` is where the instance stands after the call (None: it is gone)."""

    status: Literal["done", "already", "lost"]
    state: State | None


class Reaped(msgspec.Struct, frozen=True, gc=False):
    """One instance that `reap` moved: to SCHEDULED (crashed), TERMINATED (poison) or CANCELED (expired,
    or a cancel that its dead worker never answered)."""

    id: str
    kind: str
    state: State
    reason: str
    worker: str | None = None


class BeatReply(msgspec.Struct, frozen=True, gc=False):
    """`lost`: the worker was reaped, take a new id. `cancels`: ids it holds with a cancel request.
    `concurrency`: how many slots it was asked to have (`resize`), until a beat says that it has them."""

    lost: bool
    cancels: tuple[str, ...] = ()
    concurrency: int | None = None


class WorkerRecord(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What a worker says of itself with each beat. The store sets `started_ms` at the first beat and
    `beat_ms` at each. `owner`, `fingerprint` and `revision` are those of its declared schedules; `system` is the
    fingerprint of rota's own, which the owner "system" has."""

    id: str
    kinds: tuple[str, ...] = ()
    concurrency: int = 0
    running: int = 0
    owner: str | None = None
    fingerprint: str | None = None
    revision: int | None = None
    system: str | None = None
    started_ms: int = 0
    beat_ms: int = 0


class ParameterRecord(msgspec.Struct, frozen=True, gc=False):
    """One parameter of a published kind; `form` is as in `inspect.Parameter.kind.name`."""

    name: str
    annotation: str = ""
    required: bool = True
    default: str = ""
    form: str = "POSITIONAL_OR_KEYWORD"


class LimitRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A bound on how many of a kind run at a time, and on starts: `rate_count` in `rate_ms` (`rota.engine.limits`).

    With `key`, a template over argument names, it holds for each lane; without, for the kind as a whole (the gate).
    """

    max_running: int | None = None
    rate_count: int | None = None
    rate_ms: int | None = None
    key: str | None = None


class KeepRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How long finished instances of a kind stay: `age_ms` from their end, `failed_ms` instead those TERMINATED or
    TIMED_OUT, at most `count` of them all, the newest; `logs_ms` their log lines, which go with the instance at the
    latest. None is no bound."""

    age_ms: int | None = WEEK_MS
    failed_ms: int | None = WEEK_MS
    count: int | None = None
    logs_ms: int | None = WEEK_MS


class KindDescriptor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a worker publishes of a job: enough to schedule it by name and to list it."""

    kind: str
    parameters: tuple[ParameterRecord, ...] = ()
    returns: str = ""
    summary: str = ""
    executor: str = ""
    priority: int = 5
    timeout_ms: int | None = None
    max_retries: int = 0
    max_crashes: int = 3
    unique_key: str | None = None
    unique_until: Literal["started", "finished"] = "finished"
    limits: tuple[LimitRecord, ...] = ()
    keep: KeepRecord = KeepRecord()
    version: str = ""
    published_ms: int = 0


class TriggerRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A `Cron` (expression, tz) or an `Every` (period_ms, start_ms), with `jitter_ms` drawn per instance."""

    type: Literal["cron", "every"]
    expression: str = ""
    tz: str = "UTC"
    period_ms: int = 0
    start_ms: int | None = None
    jitter_ms: int = 0


class ScheduleRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A recurring rule. Its identity is (owner, name); `owner` is None when it was put by a client.

    `template` is the call it fires, with an empty id. The store sets `version`, anew with each change
    and each fired slot. `last_id` is the instance of the last slot fired, for overlap "skip".
    """

    name: str
    owner: str | None = None
    trigger: TriggerRecord
    template: InstanceRecord
    misfire: Literal["latest", "skip", "all"] = "latest"
    misfire_cap: int = 100
    overlap: Literal["skip", "allow"] = "skip"
    paused: bool = False
    revision: int | None = None
    version: int = 0
    last_slot_ms: int | None = None
    next_slot_ms: int | None = None
    last_id: str | None = None


class FindPage(msgspec.Struct, frozen=True):
    """Part of an answer; it may be short or empty, only `cursor is None` ends."""

    items: tuple[Snapshot, ...]
    cursor: str | None = None


class History(msgspec.Struct, frozen=True):
    """The first 2 and last 62 entries; `dropped` counts those left out between them."""

    entries: tuple[TransitionRecord, ...]
    dropped: int = 0


class LogRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line of an attempt; (id, token, n) is its operation id, n counts from 1.

    With `progress` (0 to 1) it is no line: its last value and message are kept on the instance.
    """

    id: str
    token: int
    n: int
    at_ms: int
    level: int
    message: str
    attempt: int = 1
    progress: float | None = None


class LogPage(msgspec.Struct, frozen=True):
    """Lines in the order in which they arrived; `position` is where to go on, `final` that no more can come."""

    lines: tuple[LogRecord, ...]
    position: int
    final: bool = False


class KindStats(msgspec.Struct, frozen=True):
    """A kind in numbers: how many in each state, when the next instances are due, how many limits hold back.

    `oldest_due_ms` is the due time of the next to be claimed, None when nothing can be: by the ready order that
    need not be the one due longest. `next_due_ms` is the earliest that is still to come. `held_back` are due, but
    none of them may start before another one ends or a rate allows it: all in lanes at their bound, or all of a kind
    at its gate. A lane with room for some of its instances holds back none.
    """

    kind: str
    counts: dict[State, int]
    oldest_due_ms: int | None = None
    next_due_ms: int | None = None
    held_back: int = 0
    paused: bool = False


class Change(msgspec.Struct, frozen=True, gc=False):
    """One state change, for `changes`; `cursor` is where to go on after it."""

    id: str
    kind: str
    transition: TransitionRecord
    cursor: str


class ChangePage(msgspec.Struct, frozen=True):
    """Changes in the order they happened; `cursor` is where to go on."""

    changes: tuple[Change, ...]
    cursor: str


class Document(msgspec.Struct, frozen=True):
    """A small versioned document. In `save`, `version` is the one expected (0: none yet) and a `value`
    of None deletes; in `load` and `scan` it is the one found."""

    key: str
    value: bytes | None
    version: int = 0
