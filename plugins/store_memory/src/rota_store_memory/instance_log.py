"""What one instance logged: its lines in the order of arrival, and the last progress."""

from rota.model.records import LogRecord

__all__ = ["InstanceLog"]


class InstanceLog:
    """What one instance logged. (token, n) names a line or a progress; `seen` are the lines' names."""

    __slots__ = ("lines", "progress", "seen")

    def __init__(self) -> None:
        self.lines: list[LogRecord] = []
        self.seen: set[tuple[int, int]] = set()
        self.progress: LogRecord | None = None

    def add(self, line: LogRecord) -> bool:
        """Keep a line that is not here yet, or a newer progress; True when it was kept."""
        name = line.token, line.n
        if line.progress is not None:
            last = self.progress
            newer = last is None or (last.token, last.n) < name
            if newer:
                self.progress = line
            return newer
        if name in self.seen:
            return False
        self.seen.add(name)
        self.lines.append(line)
        return True
