"""Gates: the limit of a kind as a whole.

How many run is the sum of the kind's counters, read at one moment with the gate's key. Every claim of the kind checks
and puts that key: so claims of a kind with a gate come one after the other, in all processes. What ends meanwhile only
makes more room, and disturbs nobody.
"""

from collections.abc import Sequence

from rota.engine.limits import UNBOUNDED
from rota.model.state import State
from rota.store.histories import NUMBER
from rota.store.kv.entry import decode, encode
from rota.store.kv.keys import text
from rota.store.kv.lanes import gate_of
from rota.store.kv.step import SHARDS, Step

__all__ = ["gate_opens_ms", "load_gates", "pass_gate", "room"]

_PROCESSING = NUMBER[State.PROCESSING]


def load_gates(step: Step, names: Sequence[str]) -> None:
    """Read the gates of those kinds that have one, in one round trip."""
    gated = [name for name in names if gate_of(step.peek_kind(name)) is not None]
    step.load(key for name in gated for key in (_key(step, name), *_shards(step, name)))


def room(step: Step, name: str) -> int:
    """How many more of a kind may start now."""
    gate = gate_of(step.peek_kind(name))
    return UNBOUNDED if gate is None else gate.room(_running(step, name), _tat_us(step, name), step.now_ms)


def gate_opens_ms(step: Step, name: str) -> int | None:
    """When one may start by the passing of time alone; None when an end has to come first."""
    gate = gate_of(step.peek_kind(name))
    if gate is None:
        return step.now_ms
    return gate.opens_ms(_running(step, name), _tat_us(step, name), step.now_ms)


def pass_gate(step: Step, name: str, number: int) -> None:
    """Count so many that start. It puts the key in any case."""
    gate = gate_of(step.peek_kind(name))
    if gate is not None and number:
        tat_us = _tat_us(step, name)
        step.get(_key(step, name))  # checked
        step.put(
            _key(step, name), encode(tat_us if gate.rate is None else gate.rate.after(tat_us, step.now_ms, number))
        )


def _key(step: Step, name: str) -> bytes:
    return step.keys.of(b"N", text(name))


def _shards(step: Step, name: str) -> list[bytes]:
    return [step.keys.of(b"o", text(name), bytes([shard])) for shard in range(SHARDS)]


def _tat_us(step: Step, name: str) -> int:
    value = step.peek(_key(step, name))
    return 0 if value is None else decode.integer(value)


def _running(step: Step, name: str) -> int:
    found = (step.peek(key) for key in _shards(step, name))
    stored = sum(decode.counts(value)[1][_PROCESSING] for value in found if value is not None)
    return stored + step.counts[name, _PROCESSING]
