"""The keys of one namespace. A letter tells what stands there; texts end with a zero byte; numbers sort as bytes do.

| letter | key | value | one per |
|---|---|---|---|
| `i` | id | the instance (`Entry`); untouched while PROCESSING but by its end | job |
| `k` | kind, id | nothing: the instances of a kind, in id order | job |
| `q` | kind, rank, due, id | nothing: ready order | queued job |
| `s` | kind, due, rank, id | nothing: delayed, by due time | queued job |
| `x` | expiry, id | nothing: never claimed yet, and expires | job that expires |
| `u` | kind, unique key | the id that holds it | key held |
| `f` | kind, end, id | the final state | finished job |
| `o` | kind, shard | numbers per state, which add up over the shards | kind |
| `K` | kind | descriptor, paused | kind |
| `w` `b` `a` | worker | since when it lives; its last beat; the slots it is asked to have | worker |
| `d` `g` | worker | reaped; gone, but not all that it held has been taken back | worker |
| `j` `c` | worker / worker, part | its last claim's number; what one commit of a claim answered | worker / claim |
| `r` | worker, id | a cancel request, delivered or not | request |
| `V` | | there once somebody follows the changes | namespace |
| `n` `p` | kind, lane / kind, lane, rank, due, id | the lane; what waits in it, in ready order | lane / job in a lane |
| `t` | kind, time, lane | when to look at a lane again | lane that a rate holds back |
| `N` | kind | the gate | kind with one |
| `M` | kind | there while its lanes are looked at, after its limits were changed | kind, seldom |
| `P` | parent | others depend on it; whether they have yet to be told of its end | parent |
| `e` `h` | parent, child | a dependent that waits for it; one that needs it no more than kept | edge |
| `G` | child | how many parents there are, and have not ended | job that waits for parents |
| `W` | id, token, number | a follow-up that is yet to be enqueued | follow-up, seldom |
| `R` | id | its end, or its beginning, goes on in further commits | unfinished change |
| `L` `l` | id / id, position | the lines kept of it; a block of lines | job that logged / call that logged |
| `m` | id | its progress | job that told one |
| `H` `v` | shard / shard, number | the changes that are kept; those of one commit | shard / commit that is followed |
| `y` `z` | owner, name / slot, owner, name | a recurring rule; nothing: the rules by their next slot | rule |
| `D` | document key | a document | document |
| `Z` | | put and deleted again when all was cleared, so that who waits looks | namespace |
"""

import hashlib
from typing import Final

from rota.store.ordered_kv import Range

__all__ = ["AFTER_ALL", "BEFORE_ALL", "CLEARED", "PARTS", "Keys", "after", "as_bytes", "number", "number_in", "text"]

BEFORE_ALL: Final = -(2**62)  #: an instant before any
AFTER_ALL: Final = 2**62
CLEARED: Final = b"Z"
_LONGEST_TEXT: Final = 65  # bytes; what is longer stands as its digest, so that no key is longer than 256
_ID: Final = 16
PARTS: Final = 1024  #: commits that one claim takes at most


def number(value: int) -> bytes:
    """Eight bytes that sort as the numbers do."""
    return (value + 2**63).to_bytes(8, "big")


def number_in(key: bytes, start: int) -> int:
    """The number at an offset of a key."""
    return int.from_bytes(key[start : start + 8], "big") - 2**63


def text(value: str) -> bytes:
    """A text as part of a key; a long one, or one with a zero byte, as its digest."""
    raw = value.encode("utf-8", "surrogatepass")
    if len(raw) > _LONGEST_TEXT or b"\0" in raw or raw[:1] == b"\1":
        raw = b"\1" + hashlib.sha256(raw).hexdigest().encode()
    return raw + b"\0"


def as_bytes(instance_id: str) -> bytes:
    """The stored form of an id; of a text that is none, something that no instance has."""
    try:
        raw = bytes.fromhex(instance_id)
    except ValueError:
        return text(instance_id)
    return raw if len(raw) == _ID else text(instance_id)


def after(prefix: bytes) -> bytes:
    """The first key behind all that start with `prefix`."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1])


class Keys:
    """Makes keys, and ranges of them. Ids and workers come as `as_bytes` and text."""

    def __init__(self, namespace: str) -> None:
        self.all = text(namespace)

    def under(self, prefix: bytes, limit: int, *, beyond: bytes = b"", reverse: bool = False) -> Range:
        """What starts with `prefix`, behind the key `beyond` when there is one (before it in `reverse`)."""
        start, end = prefix, after(prefix)
        if beyond and reverse:
            end = beyond
        elif beyond:
            start = beyond + b"\0"
        return Range(start, end, limit, reverse)

    def of(self, letter: bytes, *parts: bytes) -> bytes:
        """A key, or the start of several."""
        return b"".join((self.all, letter, *parts))

    def instance(self, instance_id: bytes) -> bytes:
        """Where an instance stands."""
        return self.all + b"i" + instance_id

    def ready(self, kind: str, rank: int, due_ms: int, instance_id: bytes) -> bytes:
        """Its place in ready order."""
        return self.of(b"q", text(kind), number(rank), number(due_ms), instance_id)

    def delayed(self, kind: str, rank: int, due_ms: int, instance_id: bytes) -> bytes:
        """Its place among the delayed."""
        return self.of(b"s", text(kind), number(due_ms), number(rank), instance_id)

    def unique(self, kind: str, key: str) -> bytes:
        """Where the holder of a unique key is noted."""
        return self.of(b"u", text(kind), text(key))

    def worker(self, letter: bytes, worker: str) -> bytes:
        """Something about a worker."""
        return self.of(letter, text(worker))

    def claim(self, worker: str, part: int) -> bytes:
        """What one commit of a claim answered: the `n`th of claim `seq` is part `seq * PARTS + n`."""
        return self.of(b"c", text(worker), number(part))

    def request(self, worker: str, instance_id: bytes) -> bytes:
        """The request to cancel what a worker holds."""
        return self.of(b"r", text(worker), instance_id)
