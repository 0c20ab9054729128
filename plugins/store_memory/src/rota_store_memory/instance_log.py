"""What one instance logged: its newest lines in the order of arrival, and the last progress."""

from collections.abc import Iterator
from typing import Final

from rota.model.records import LogRecord
from rota.store.contract import MAX_LOG_BYTES, MAX_LOG_LINES

__all__ = ["InstanceLog"]

_NONE: Final = (0, 0)


class InstanceLog:
    """What one instance logged. (token, n) names a line or a progress.

    Lines have positions that count from 0, those dropped since included: `first` is that of the oldest line kept,
    `end` the one of the next to come. The names of the lines kept are known, and of those dropped the highest: what
    arrives late from below it counts as dropped too. So both are bounded, however long the instance lives.
    """

    __slots__ = ("_dropped", "_head", "_lines", "_size_bytes", "first", "progress", "seen")

    def __init__(self) -> None:
        self.first = 0
        self.seen: set[tuple[int, int]] = set()
        self.progress: LogRecord | None = None
        self._lines: list[LogRecord] = []
        self._head = 0  # lines before it are dropped, and removed from the list in time
        self._size_bytes = 0
        self._dropped = _NONE

    @property
    def end(self) -> int:
        """The position after the newest line."""
        return self.first + len(self._lines) - self._head

    def add(self, line: LogRecord) -> bool:
        """Keep a line that is not here yet, or a newer progress; True when it was kept. O(1) amortized."""
        name = line.token, line.n
        if line.progress is not None:
            last = self.progress
            newer = last is None or (last.token, last.n) < name
            if newer:
                self.progress = line
            return newer
        if name in self.seen or name <= self._dropped:
            return False
        self.seen.add(name)
        self._lines.append(line)
        self._size_bytes += _size_bytes(line)
        while self._size_bytes > MAX_LOG_BYTES or len(self._lines) - self._head > MAX_LOG_LINES:
            self._drop_oldest()
        return True

    def beyond(self, position: int) -> Iterator[LogRecord]:
        """The lines from `position` on, or from the oldest one that is kept."""
        lines = self._lines
        return (lines[at] for at in range(self._head + max(0, position - self.first), len(lines)))

    def drop(self) -> int:
        """Drop every line; how many there were. Progress and positions stay."""
        number = len(self.seen)
        self._dropped = max(self.seen, default=self._dropped)
        self.first = self.end
        self._lines, self._head, self._size_bytes = [], 0, 0
        self.seen = set()
        return number

    def _drop_oldest(self) -> None:
        line = self._lines[self._head]
        name = line.token, line.n
        self.seen.discard(name)
        self._dropped = max(self._dropped, name)
        self._size_bytes -= _size_bytes(line)
        self._head += 1
        self.first += 1
        if self._head * 2 > len(self._lines):
            del self._lines[: self._head]
            self._head = 0


def _size_bytes(line: LogRecord) -> int:
    text = line.message
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
