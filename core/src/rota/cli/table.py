"""Tables as text: aligned columns, a row a line, and nothing in a cell that a terminal would take for an order."""

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from rich.cells import cell_len, set_cell_size

__all__ = ["safe", "table_lines"]

_BLOCK: Final = 1_000  # rows that are aligned with one another: the first ones decide, later ones may widen
_GAP: Final = "  "


def table_lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The heading and a line for each row, a block at a time. On a terminal what goes over its right edge is cut off;
    a pipe has no edge, so that grep and cut see whole lines."""
    edge = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    widths = [0] * len(columns)
    found = iter(rows)
    blocks = iter(lambda: [_one_line(row) for row in islice(found, _BLOCK)], [])
    heading = [[column.upper() for column in columns], *next(blocks, [])]
    for block in chain([heading], blocks):
        widths = [max(width, *map(cell_len, column)) for width, column in zip(widths, _turned(block), strict=True)]
        for row in block:
            padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
            yield _cut(_GAP.join(padded).rstrip(), edge)


def safe(text: str) -> str:
    """The text with control characters written out, line ends excepted: jobs say what they like in errors and logs."""
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)


def _turned(block: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Rows as columns."""
    return zip(*block, strict=True)


def _one_line(row: Sequence[str]) -> list[str]:
    return [" ".join(safe(cell).split()) if not cell.isprintable() else cell for cell in row]


def _cut(line: str, edge: int | None) -> str:
    return line if edge is None or cell_len(line) <= edge else f"{set_cell_size(line, edge - 1)}…"
