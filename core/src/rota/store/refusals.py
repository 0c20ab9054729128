"""What every store refuses, in the same words: checked before anything is done."""

from collections.abc import Callable, Sequence

from rota.model.errors import ConfigError, CursorExpired, LeaseLost, QueryError, UnknownInstance
from rota.model.records import Document, EnqueueAnswer, InstanceRecord, Outcome, WorkerRecord
from rota.store.contract import MAX_DOCUMENT_BYTES, MAX_DOCUMENTS, MAX_FOLLOWUPS, MAX_PARENTS

__all__ = [
    "cursor_expired", "in_use", "lease_lost", "no_cursor", "no_instance", "oversized", "refuse_documents",
    "refuse_followups", "unfit_parents",
]  # fmt: skip


def refuse_followups(outcomes: Sequence[Outcome]) -> None:
    """Raise ConfigError for an outcome with more than `MAX_FOLLOWUPS`."""
    for outcome in outcomes:
        number = len(outcome.followups)
        if number > MAX_FOLLOWUPS:
            raise ConfigError(
                f"settle() of instance {outcome.id!r} with {number} follow-ups: at most {MAX_FOLLOWUPS} go into one "
                "step; enqueue the others by themselves"
            )


def refuse_documents(documents: Sequence[Document]) -> None:
    """Raise ConfigError for too many, for a key given twice, and for one that is too large."""
    if len(documents) > MAX_DOCUMENTS:
        raise ConfigError(
            f"save() of {len(documents)} documents: at most {MAX_DOCUMENTS} go into one step; save fewer at a time"
        )
    if len({document.key for document in documents}) < len(documents):
        raise ConfigError("save() has two documents with one key; give each key once")
    for document in documents:
        if document.value is not None and len(document.value) > MAX_DOCUMENT_BYTES:
            raise ConfigError(
                f"document {document.key!r} has {len(document.value)} bytes: at most {MAX_DOCUMENT_BYTES} are kept; "
                "split it, or keep it elsewhere and store where"
            )


def oversized(record: InstanceRecord, most_bytes: int, store: str) -> EnqueueAnswer | None:
    """The answer for arguments beyond what `store` takes, None when they are not."""
    size_bytes = len(record.arguments)
    if size_bytes <= most_bytes:
        return None
    error = (
        f"the arguments of {record.kind!r} have {size_bytes} bytes, {store} takes {most_bytes}: keep the data "
        "elsewhere and pass where"
    )
    return EnqueueAnswer("refused", record.id, error=error)


def unfit_parents(record: InstanceRecord, is_here: Callable[[str], bool]) -> EnqueueAnswer | None:
    """The answer for a record that depends on too many, or on one that is not here; None when neither holds."""
    number = len(record.depends_on)
    if number > MAX_PARENTS:
        error = (
            f"an instance of {record.kind!r} depends on {number:,} others, at most {MAX_PARENTS:,} is what a store "
            "takes: let it depend on instances that each collect some of them, as rota.group() does"
        )
        return EnqueueAnswer("refused", record.id, error=error)
    unknown = next((parent for parent in record.depends_on if not is_here(parent)), None)
    if unknown is None:
        return None
    error = f"an instance of {record.kind!r} depends on {unknown!r}, which is not here: it never was, or it was purged"
    return EnqueueAnswer("refused", record.id, error=error)


def lease_lost(worker: str) -> LeaseLost:
    """The error of a claim by a worker that is not live."""
    return LeaseLost(
        f"worker {worker!r} has no lease in this namespace: it never sent a beat, was retired, or was reaped after its "
        "lease had ended; send a beat first, with a new id if the beat answers lost"
    )


def in_use(namespace: str, store: str, workers: Sequence[WorkerRecord]) -> ConfigError:
    """The error of `clear` while workers live."""
    return ConfigError(
        f"namespace {namespace!r} of {store} is in use: {len(workers)} workers live, first {workers[0].id!r}; stop "
        "them, or clear with force"
    )


def no_instance(instance_id: str, namespace: str) -> UnknownInstance:
    """The error of reading the log of an instance that is not here."""
    return UnknownInstance(
        f"no instance {instance_id!r} in namespace {namespace!r}: it never was, or it was purged; look for it "
        "with `find`"
    )


def no_cursor(cursor: str, operation: str) -> QueryError:
    """The error for a cursor that `operation` never answered."""
    return QueryError(f"{cursor!r} is no cursor of `{operation}`; pass one that `{operation}` answered, or None")


def cursor_expired(cursor: str, store: str, kept: int) -> CursorExpired:
    """The error for a cursor of `changes` behind which some are no longer kept."""
    return CursorExpired(
        f"the changes after {cursor!r} are no longer kept: {store} keeps the last {kept} of a namespace; ask for a new "
        "cursor and read what you follow anew"
    )
