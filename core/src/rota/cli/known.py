"""Names that a command was given, held against what the store has: a mistyped one is an error, no empty answer."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from rota.model.errors import ArgumentError, UnknownInstance, UnknownKind
from rota.model.query import Query

if TYPE_CHECKING:
    from uuid import UUID

    from rota.jobs.client import Client
    from rota.jobs.views import KindInfo

__all__ = ["known_job", "refuse_unfitting", "refuse_unknown_ids"]


def known_job(client: "Client", kind: str, otherwise: str = "") -> "KindInfo":
    """What workers have published of a kind. Raises UnknownKind with a suggestion; `otherwise` says what else to do."""
    jobs = {job.kind: job for job in client.kinds()}
    if kind in jobs:
        return jobs[kind]
    raise UnknownKind(f"no worker has published a job {kind!r} here; {_meant(kind, jobs)}{otherwise}")


def _meant(kind: str, jobs: Collection[str]) -> str:
    close = get_close_matches(kind, jobs, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return "see rota list jobs" if jobs else "nor any other: is it the right store, and the right namespace?"


def refuse_unfitting(job: "KindInfo", args: Iterable[object], named: dict[str, Any]) -> None:
    """Raise ArgumentError for arguments that are missing, too many or not known: the worker would refuse them later."""
    try:
        _signature(job).bind(*args, **named)
    except TypeError as error:
        raise ArgumentError(f"{job.kind}: {error}; see its parameters in rota list jobs") from error


def _signature(job: "KindInfo") -> Signature:
    """What was published of it, with any default in place of the ones that are known as text."""
    return Signature(
        [
            Parameter(one.name, getattr(Parameter, one.form), default=_default(one.required, one.form))
            for one in job.parameters
        ]
    )


def _default(required: bool, form: str) -> object:
    return Parameter.empty if required or form.startswith("VAR_") else None


def refuse_unknown_ids(client: "Client", ids: "Iterable[UUID]") -> None:
    """Raise UnknownInstance, before anything is done, unless all of these are there."""
    asked = set(ids)
    there = {one.id for one in client.scan(Query(ids=asked))}
    if missing := sorted(asked - there):
        raise UnknownInstance(f"no instance {', '.join(map(str, missing))} here: nothing was done")
