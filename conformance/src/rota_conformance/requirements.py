"""What a store has to do: every requirement, with an id that never changes its meaning.

The same ids stand in the docstrings of `rota.store.contract`, at the operation that they are about. *core*: no opt-out.
*extended*: where the store declares the feature. *provisional*: runs, and does not count yet. What needs something of
the harness that it does not offer can't be proven, and does not count; reports list it.
"""

from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from rota.store.contract import Feature

__all__ = ["FEATURES", "Level", "Need", "REQUIREMENTS", "Requirement"]

Level: TypeAlias = Literal["core", "extended", "provisional"]

#: What only a harness can do, by the name of its method.
Need: TypeAlias = Literal["dump", "operations", "restart_backend", "drop_connections"]

FEATURES: Final[tuple[Feature, ...]] = get_args(Feature)


class Requirement(NamedTuple):
    """One promise. `operation` is the method of the contract that it is written at, `invariants` those of the design that it
    covers."""

    id: str
    operation: str
    text: str
    invariants: tuple[int, ...] = ()
    feature: Feature | None = None
    needs: Need | None = None
    provisional: bool = False

    @property
    def level(self) -> Level:
        """Whether it counts, and for whom."""
        if self.provisional:
            return "provisional"
        return "core" if self.feature is None else "extended"


def _all() -> dict[str, Requirement]:
    found = {one.id: one for one in _LISTED}
    assert len(found) == len(_LISTED), "an id is given twice"  # noqa: S101 - a fault of this very file
    return found


_LISTED: Final = (
    # ---- life cycle
    Requirement("LIFE-1", "open", "open is idempotent; every other operation connects by itself"),
    Requirement("LIFE-2", "close", "a closed store may be opened again, and what another client stored is there"),
    Requirement("LIFE-3", "close", "close is idempotent and wakes every call that is blocked in this client"),
    Requirement("LIFE-4", "clear", "clear removes everything; while a worker lives only with force", (10,)),
    Requirement("LIFE-5", "now_ms", "the store's clock follows the one that its capabilities name"),
    Requirement("LIFE-6", "capabilities", "what is declared is constant, and can be"),
    Requirement("NS-1", "namespaced", "namespaces never see each other, whatever the operation", (10,)),
    Requirement("NS-2", "clear", "clear touches its own namespace only", (10,)),
    Requirement("NS-3", "namespaced", "a namespaced view shares the backend, not the data", (10,)),
    # ---- enqueue
    Requirement("ENQ-1", "enqueue", "what was added is there at once, as it was asked for", (1,)),
    Requirement("ENQ-2", "enqueue", "the same id again answers exists and changes nothing", (1, 9)),
    Requirement("ENQ-3", "enqueue", "a batch answers per item, in order; one refused harms no other", (1,)),
    Requirement("ENQ-4", "enqueue", "a delay counts from the step by the store's clock; a due time is absolute"),
    Requirement("ENQ-5", "enqueue", "one live instance holds a unique key, until it ends"),
    Requirement("ENQ-6", "enqueue", "a key that is unique until started is free from the claim on"),
    Requirement("ENQ-7", "enqueue", "of racing callers one gets a unique key"),
    Requirement("ENQ-8", "enqueue", "a payload over the bound is refused with a text, one of the bound is kept"),
    Requirement("ENQ-9", "enqueue", "payloads come back byte for byte, whatever they hold", (1,)),
    Requirement("ENQ-10", "enqueue", "hostile text in keys, lanes, names and reasons is kept and selects itself only"),
    Requirement("ENQ-11", "enqueue", "an answer is the caller's own: changing it changes nothing in the store"),
    # ---- claim
    Requirement("CLM-1", "claim", "a claim takes in ready order: (rank, due, id)", (5,)),
    Requirement("CLM-2", "claim", "over several kinds it takes in one ready order, and of no other kind", (5,)),
    Requirement("CLM-3", "claim", "what is due exactly now is handed out, what is not due is not", (5,)),
    Requirement("CLM-4", "claim", "no more than limit are handed out; the rest stays"),
    Requirement("CLM-5", "claim", "a claimed instance is PROCESSING under its worker, its attempt counted", (2, 6)),
    Requirement("CLM-6", "claim", "tokens of an instance rise strictly", (2,)),
    Requirement("CLM-7", "claim", "the same seq answers the same and changes nothing", (9,)),
    Requirement("CLM-8", "claim", "a worker that is not live gets LeaseLost"),
    Requirement("CLM-9", "claim", "of racing claimers one holds an instance", (2,)),
    Requirement("CLM-10", "claim", "of racing claimers in several processes one holds it", (2,), "multi_process"),
    Requirement("CLM-11", "claim", "what expired before its first claim is CANCELED; once claimed it never expires"),
    Requirement("CLM-12", "claim", "with nothing due it blocks until something is, or an interrupt"),
    Requirement("CLM-13", "claim", "thousands due at one instant come all, each once, whatever their ranks", (1, 5, 15)),
    Requirement("CLM-14", "pause", "a paused kind is left alone until resume; what runs goes on"),
    # ---- settle
    Requirement("SET-1", "settle", "an ending is final, with its result or error, and the history in the same step", (6,)),
    Requirement("SET-2", "settle", "any token but the current one changes nothing", (3,)),
    Requirement("SET-3", "settle", "the same outcome again answers already, also after a new claim", (9,)),
    Requirement("SET-4", "settle", "a retry is recorded as its ending and SCHEDULED in one step, due that much later", (6,)),
    Requirement("SET-5", "settle", "a release goes back, due now, its attempt not counted"),
    Requirement("SET-6", "settle", "a crash is counted apart from failures; beyond max_crashes it is poison"),
    Requirement("SET-7", "settle", "what would go back to the queue loses against a requested cancel"),
    Requirement("SET-8", "settle", "a final instance never changes again", (7,)),
    Requirement("SET-9", "settle", "the holder may settle after the end of its lease, until it is reaped"),
    Requirement("SET-10", "settle", "follow-ups come in the same step; too many are refused before anything is done"),
    Requirement("SET-11", "settle", "a batch answers per item, in order; one lost harms no other"),
    Requirement("SET-12", "settle", "of settle, cancel and reap that race one ends an instance", (3, 7)),
    # ---- cancel
    Requirement("CAN-1", "cancel", "a queued instance is CANCELED at once, and no claim takes it"),
    Requirement("CAN-2", "cancel", "of a running one the worker is told by its beats, until it lets go"),
    Requirement("CAN-3", "cancel", "final, changed and missing are answered and change nothing", (7,)),
    Requirement("CAN-4", "cancel", "only what was named is canceled; again is the same", (9,)),
    Requirement("CAN-5", "cancel", "a request reaches a beat that waits", (), "push_cancel"),
    # ---- workers
    Requirement("WRK-1", "beat", "a beat makes a worker live, and the list tells what it says of itself"),
    Requirement("WRK-2", "beat", "beats keep a lease, and with it all claims, for any length of time", (2,)),
    Requirement("WRK-3", "reap", "a dead worker's instances come back after its lease, never before", (2, 4)),
    Requirement("WRK-4", "reap", "a reaped worker is told: beat answers lost, claim raises, settle is lost", (3,)),
    Requirement("WRK-5", "reap", "an instance that is reaped by several at once comes back once", (2, 4)),
    Requirement("WRK-6", "retire", "a retired worker is gone, and what it held is released"),
    Requirement("WRK-7", "resize", "a request for slots is told by beats until it is met; False for nobody"),
    Requirement("WRK-8", "reap", "what expired in the queue is CANCELED without a claim; limit bounds a step"),
    Requirement("WRK-9", "reap", "a process killed after its claim loses nothing", (1, 4), "multi_process"),
    Requirement("WRK-10", "reap", "a process stopped past its lease changes nothing when it goes on", (3, 4), "multi_process"),
    Requirement("WRK-11", "beat", "a wall clock that is set an hour on or back ends no lease and saves none", (2, 4)),
    Requirement("WRK-12", "wait", "a wait ends at an enqueue, a due time, a release, a resume, an interrupt"),
    Requirement("WRK-13", "interrupt", "an interrupt that finds nobody blocked ends the next blocked call"),
    Requirement("WRK-14", "claim", "a sleeping claimer starts within 10 ms of an enqueue", (), "push"),
    Requirement("WRK-15", "claim", "one instance wakes one of many sleepers", (), "wake_one"),
    # ---- history and observation
    Requirement("HIS-1", "history", "each history is a path of the state machine and ends where the record stands", (6,)),
    Requirement("HIS-2", "history", "the first 2 and the last 62 entries are kept, the others counted", (6,)),
    Requirement("HIS-3", "history", "a change and its entry are one step: no reader sees one without the other", (6,)),
    Requirement("GET-1", "get", "instances come in the order asked for, None for one that is not there"),
    Requirement("FND-1", "find", "pages go by id, either way, and miss and repeat nothing that stood throughout", (11,)),
    Requirement("FND-2", "find", "each filter selects what it says, alone and with others"),
    Requirement("FND-3", "find", "an answer goes on until the cursor is None, however few match", (11,)),
    Requirement("FND-4", "find", "what is no cursor raises QueryError"),
    Requirement("FND-5", "count", "count is what find would find, up to its limit", (), "exact_count"),
    Requirement("FND-6", "stats", "statistics tell the states, what is due and what comes, of each kind"),
    Requirement("LOG-1", "logs", "lines come in order, each once, from a position on"),
    Requirement("LOG-2", "append_logs", "a line again is one line; one of an instance that is gone is dropped", (9,)),
    Requirement("LOG-3", "append_logs", "of progress the last is kept, whatever order it comes in"),
    Requirement("LOG-4", "append_logs", "a log is bounded, the newest lines stay and positions go on"),
    Requirement("LOG-5", "logs", "a reader that waits gets the next line, and is told of the end"),
    Requirement("LOG-6", "drop_logs", "lines of what has ended are dropped, the instance and its progress stay"),
    Requirement("AWT-1", "await_final", "it answers those that are final or gone, as soon as there is one"),
    Requirement("CHG-1", "changes", "every change after a cursor is told once, in order", (6,), "changes"),
    Requirement("CHG-2", "changes", "a follower that waits is called; each change tells where to go on", (), "changes"),
    # ---- kinds and schedules
    Requirement("KND-1", "put_kinds", "the last published word of a kind stands"),
    Requirement("SCH-1", "put_schedule", "rules are kept by owner and name, each change with a new version"),
    Requirement("SCH-2", "put_schedule", "an unchanged rule keeps all, a changed one pause and last slot"),
    Requirement("SCH-3", "due_schedules", "due rules come earliest first, and the next slot is told"),
    Requirement("SCH-4", "fire", "of callers with one version one fires, its instance in the same step", (8,)),
    Requirement("SCH-5", "fire", "with overlap skip a slot passes while the last instance lives"),
    Requirement("SCH-6", "fire", "of racing schedulers one fires a slot", (8,)),
    Requirement("SCH-7", "fire", "a fire repeated after a lost reply adds nothing", (8, 9)),
    Requirement("SCH-8", "sync_schedules", "the declared set that stands is put, what it lacks is dropped"),
    Requirement("SCH-9", "patch_schedule", "a patched rule is paused or goes on at the slot given"),
    Requirement("SCH-10", "drop_schedule", "a dropped rule is gone; what it fired stays"),
    # ---- purge
    Requirement("PRG-1", "purge", "what is finished and matches goes, those that ended first, first", (12,)),
    Requirement("PRG-2", "purge", "what is not final stays, whatever is asked", (1,)),
    Requirement("PRG-3", "purge", "what was purged is gone from every answer, its id and key are free", (12,)),
    Requirement("PRG-4", "purge", "after purge the backend holds what it held before", (12,), needs="dump"),
    # ---- documents
    Requirement("DOC-1", "save", "documents are written all or none, by the versions expected", (9,)),
    Requirement("DOC-2", "save", "too many, or one too large, is refused; the largest is kept"),
    Requirement("DOC-3", "scan", "a scan goes by key through a prefix, page by page", (11,)),
    Requirement("DOC-4", "save", "of racing writers of one version one writes"),
    # ---- dependencies
    Requirement("DEP-1", "enqueue", "a dependent is released once, when its last parent has ended", (13,), "dependencies"),
    Requirement("DEP-2", "enqueue", "a failed parent cancels its dependents, theirs too, unless told otherwise", (13,), "dependencies"),
    Requirement("DEP-3", "enqueue", "a parent that ended before counts; an unknown one is refused", (13,), "dependencies"),
    Requirement("DEP-4", "settle", "parents that end at the same moment release a dependent once", (13,), "dependencies"),
    Requirement("DEP-5", "settle", "a parent of 1,000 releases them all", (13,), "dependencies"),
    Requirement("DEP-6", "purge", "a parent stays until its dependents are final", (13,), "dependencies"),
    Requirement("DEP-7", "enqueue", "with dependencies a delay counts from the release", (), "dependencies"),
    Requirement("DEP-8", "enqueue", "what waits for its parents expires too, with its own dependents", (13,), "dependencies"),
    Requirement("DEP-9", "enqueue", "one may wait for 1,000 parents, and its progress is the part that ended", (13,), "dependencies"),
    # ---- limits
    Requirement("LIM-1", "claim", "no lane has more running than its bound, whoever claims", (), "limits"),
    Requirement("LIM-2", "claim", "a gate bounds its kind", (), "limits"),
    Requirement("LIM-3", "claim", "what is held back keeps nobody else from starting", (5,), "limits"),
    Requirement("LIM-4", "claim", "settle, cancel, crash, reap and retire give lane and gate back, once", (), "limits"),
    Requirement("LIM-5", "put_kinds", "changed limits hold for what is queued", (), "limits"),
    Requirement("LIM-6", "stats", "what limits hold back is counted, and is no due work", (), "limits"),
    Requirement("RATE-1", "claim", "a rate lets its count start, then one for each refill", (), "rate"),
    Requirement("RATE-2", "wait", "a refill ends a wait", (), "rate"),
    # ---- refusal, faults, cost, durability
    Requirement("REF-1", "enqueue", "an undeclared feature raises UnsupportedFeature", (14,)),
    Requirement("FLT-1", "settle", "any operation repeated after a lost reply has the effect of one", (1, 9)),
    Requirement("FLT-2", "enqueue", "under seeded faults on every operation all invariants hold", (1, 2, 3, 6, 7, 9)),
    Requirement("MOD-1", "claim", "step by step the store answers as the reference model does", (1, 2, 3, 5, 6, 7, 9)),
    Requirement("COST-1", "claim", "a claim costs the same whatever is queued beside it", (15,), needs="operations"),
    Requirement("COST-2", "claim", "a delayed instance is promoted once", (15,), needs="operations"),
    Requirement("COST-3", "claim", "a claim costs the same however many limits hold back", (15,), "limits", "operations"),
    Requirement("DUR-1", "enqueue", "what was answered is there after its process was killed", (1,), "durable"),
    Requirement("DUR-2", "enqueue", "what was answered is there after a hard restart", (1,), "durable", "restart_backend"),
    Requirement("DUR-3", "open", "dropped connections are StoreUnavailable, and heal", (1, 9), needs="drop_connections"),
)  # fmt: skip

#: Every requirement by id, in the order in which reports list them.
REQUIREMENTS: Final[dict[str, Requirement]] = _all()
