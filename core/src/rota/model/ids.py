"""Ids of instances: UUIDv7 (RFC 9562, section 5.7), rising within a process.

Own code, since ids must follow the injected clock and randomness, which no library offers.
An id travels as 32 lowercase hexadecimal digits, so that text order is creation order.
"""

import os
import random
from uuid import UUID

from rota.model.clock import Clock
from rota.model.process_lock import ProcessLock

__all__ = ["IdSource", "id_to_uuid", "retry_id", "slot_id", "uuid_to_id"]

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62
_COUNTER_BITS = 12 + 20  # rand_a and the head of rand_b count within a millisecond
_RANDOM_BITS = 42


class IdSource:
    """Makes ids that rise strictly, also within one millisecond and when the clock is set back. A forked
    child draws anew, so that it makes others than its parent."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._lock = ProcessLock()
        self._last_ms = -1
        self._counter = 0
        self._pid = os.getpid()

    def many(self, count: int) -> list[str]:
        """`count` new ids, rising."""
        with self._lock:
            if self._pid != os.getpid():  # after a fork two processes would draw the same
                self._rng.seed()
                self._pid = os.getpid()
            now_ms = self._clock.now_ms()
            if now_ms > self._last_ms:
                self._last_ms = now_ms
                self._counter = self._rng.getrandbits(_COUNTER_BITS - 2)  # head room for a burst
            first = self._counter + 1
            self._counter += count
            high, bits = self._last_ms << 80, self._rng.getrandbits
            return [_layout(high, number, bits(_RANDOM_BITS)) for number in range(first, first + count)]

    def one(self) -> str:
        """A new id."""
        return self.many(1)[0]


def _layout(high: int, counter: int, tail: int) -> str:
    rand_a, rand_b = counter >> 20, (counter & 0xFFFFF) << _RANDOM_BITS
    return f"{high | _VERSION_7 | rand_a << 64 | _VARIANT | rand_b | tail:032x}"


def slot_id(schedule: str, slot_ms: int) -> str:
    """The id of the instance that `schedule` fires for a slot: the same whoever makes it."""
    return _derived(max(slot_ms, 0), f"{schedule}\0{slot_ms}")


def retry_id(instance_id: str, ended_ms: int) -> str:
    """The id of the instance that is made to retry one that ended at `ended_ms`: the same whoever makes it, and
    whenever. Its time is that end, so that retries stand in the order in which the failures ended; always after the
    one that is retried, also by clocks that differ."""
    own_ms = int(instance_id, 16) >> 80
    return _derived(max(ended_ms, own_ms + 1), f"retry\0{instance_id}")


def _derived(at_ms: int, text: str) -> str:
    """An id of that time, the rest made from a text."""
    import hashlib

    digest = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:10])
    counter, tail = digest >> _RANDOM_BITS & (1 << _COUNTER_BITS) - 1, digest & (1 << _RANDOM_BITS) - 1
    return _layout(at_ms << 80, counter, tail)


def id_to_uuid(instance_id: str) -> UUID:
    """The public form of an id."""
    return UUID(instance_id)


def uuid_to_id(instance_id: UUID) -> str:
    """The stored form of an id."""
    return instance_id.hex
