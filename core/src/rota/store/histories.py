"""The history of an instance as one value: entries encoded one after the other; adding one copies bytes only."""

from typing import Final, Protocol

import msgspec

from rota.model.records import ErrorRecord, History, TransitionRecord
from rota.model.state import FINAL_STATES, State
from rota.store.contract import MAX_HISTORY

__all__ = ["FINAL", "NUMBER", "STATES", "WithHistory", "add_to_history", "begun", "read_history"]

#: States are stored as their place in this order.
STATES: Final = tuple(State)
NUMBER: Final = {state: number for number, state in enumerate(STATES)}
FINAL: Final = tuple(sorted(NUMBER[state] for state in FINAL_STATES))

_KEPT: Final = sum(MAX_HISTORY)


class WithHistory(Protocol):
    """The part of an instance that its history is made of; `state` is a number."""

    state: int
    attempt: int
    history: bytes
    entries: int
    dropped: int


class _Item(msgspec.Struct, array_like=True, omit_defaults=True):
    state: int
    at_ms: int
    attempt: int = 0
    worker: str | None = None
    reason: str | None = None
    error: ErrorRecord | None = None


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[_Item]).decode


def begun(*states: int, at_ms: int) -> bytes:
    """The history of an instance that went through these states at its enqueue step."""
    return b"".join(_encode(_Item(state, at_ms)) for state in states)


def add_to_history(
    entry: WithHistory, at_ms: int, worker: str | None, reason: str | None, error: ErrorRecord | None
) -> None:
    """Append the entry's present state; beyond the bound the oldest after the first two is dropped and counted."""
    entry.history += _encode(_Item(entry.state, at_ms, entry.attempt, worker, reason, error))
    entry.entries += 1
    if entry.entries > _KEPT:
        items = _items(entry.history, entry.entries)
        del items[MAX_HISTORY[0]]
        entry.history = b"".join(map(_encode, items))
        entry.entries -= 1
        entry.dropped += 1


def read_history(history: bytes, entries: int, dropped: int) -> History:
    """A stored history as records, oldest first."""
    return History(tuple(_transition(item) for item in _items(history, entries)), dropped)


def _items(history: bytes, entries: int) -> list[_Item]:
    return _decode(b"\xdc" + entries.to_bytes(2, "big") + history)  # the header of an array, put before its items


def _transition(item: _Item) -> TransitionRecord:
    return TransitionRecord(STATES[item.state], item.at_ms, item.attempt, item.worker, item.reason, item.error)
