"""The lines of an instance as they are stored: what one call appends is one block, under the position of its first.

A line too long for one value stands alone in its block, the rest of its text under longer keys right behind it.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rota.store.kv.entry import Line, decode, encode
from rota.store.kv.keys import number, number_in
from rota.store.kv.step import Step
from rota.store.ordered_kv import Found, Range

__all__ = ["BLOCKS", "Block", "blocks_from", "lines_under", "put_block"]

BLOCKS: Final = 8  #: keys that one look takes
_CHARACTERS: Final = 64 * 1024  # of one value, up to four bytes each


class Block(NamedTuple):
    """Lines from a position on, and the keys under which they stand."""

    position: int
    keys: list[bytes]
    lines: list[Line]


def lines_under(step: Step, instance_id: bytes) -> bytes:
    """How the keys of its blocks start."""
    return step.keys.of(b"l", instance_id)


def put_block(step: Step, prefix: bytes, position: int, lines: Sequence[Line]) -> None:
    """Have lines put; one that is long comes alone."""
    key, (first, *_) = prefix + number(position), lines
    pieces = [first.message[at : at + _CHARACTERS] for at in range(0, len(first.message), _CHARACTERS)]
    if len(lines) > 1 or len(pieces) < 2:
        step.put(key, encode(lines))
        return
    step.put(key, encode([Line(first.token, first.n, first.at_ms, first.level, pieces[0], first.attempt)]))
    for n, piece in enumerate(pieces[1:]):
        step.put(key + number(n), encode(piece))


def blocks_from(step: Step, prefix: bytes, position: int, end: int) -> Iterator[Block]:
    """The stored blocks from the one that begins at `position` up to the position `end`."""
    first, until, block = prefix + number(position), prefix + number(end), None
    while True:
        (page,) = step.load((), [Range(first, until, BLOCKS)])
        for found in page:
            if len(found.key) > len(prefix) + 8:
                _go_on(block, found)
                continue
            if block is not None:
                yield block
            block = Block(number_in(found.key, len(prefix)), [found.key], decode.block(found.value))
        if len(page) < BLOCKS:
            break
        first = page[-1].key + b"\0"
    if block is not None:
        yield block


def _go_on(block: Block | None, found: Found) -> None:
    if block is not None:
        block.keys.append(found.key)
        block.lines[-1].message += decode.text(found.value)
