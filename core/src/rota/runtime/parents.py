"""What dependents are given: the results of the instances that their arguments refer to, read at the claim."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from rota.engine.output import references_in, substituted
from rota.model.errors import ArgumentError, CorruptRecord
from rota.model.ids import id_to_uuid
from rota.model.records import Claim, InstanceRecord, Snapshot
from rota.model.state import State
from rota.store.contract import MAX_BATCH, Store

__all__ = ["results_for", "with_results"]

_NONE: Final = b"\xc0"  # msgpack of None
#: What junk makes the decoder raise.
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)


def results_for(claims: Sequence[Claim], store: Store) -> Mapping[str, bytes]:
    """The stored results that the arguments of these claims refer to, by instance, those that are gone left out. Asks
    the store once for all, and not at all when nothing depends on anything. Raises: StoreUnavailable."""
    wanted: dict[str, None] = {}
    for claim in claims:
        if claim.record.depends_on:
            with suppress(*_UNREADABLE):  # which ends that one attempt, when its arguments are read
                wanted.update(dict.fromkeys(references_in(claim.record.arguments)))
    ids = list(wanted)
    parts = (store.get(ids[start : start + MAX_BATCH]) for start in range(0, len(ids), MAX_BATCH))
    return {found.record.id: _result(found) for part in parts for found in part if found is not None}


def _result(parent: Snapshot) -> bytes:
    """What it returned; None of one that ended without success."""
    return (parent.result if parent.state is State.COMPLETED else None) or _NONE


def with_results(record: InstanceRecord, results: Mapping[str, bytes]) -> bytes:
    """The arguments of a record as plain msgpack, results in the place of references.

    Raises: ArgumentError for a result that is gone, CorruptRecord for what is no msgpack.
    """
    try:
        return substituted(record.arguments, results)
    except KeyError as error:
        raise ArgumentError(
            f"an argument of {record.kind!r} is the result of the instance {id_to_uuid(error.args[0])}, which is gone: "
            "it was removed from the store"
        ) from error
    except _UNREADABLE as error:
        raise CorruptRecord(f"stored arguments of {len(record.arguments)} bytes can't be decoded: {error}") from error
