"""What is seen while the audit runs: a bar and the heartbeats, on stderr."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Screen:
    """A progress bar on a terminal; elsewhere only the lines that are said."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._total = total
        self._task = self._bar.add_task("auditing", total=total)

    def say(self, line: str) -> None:
        """Print a line, above the bar where there is one. Any thread may."""
        self._bar.console.print(line, style="dim", markup=False, highlight=False)

    def advance(self) -> None:
        """Move the bar one step."""
        self._bar.advance(self._task)

    def __enter__(self) -> Self:
        self.say(f"auditing {self._total:,} distributions")
        self._bar.start()
        return self

    def __exit__(self, t: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None, /) -> None:
        self._bar.stop()


def harmless(text: str) -> str:
    """The text with what a terminal would take for an order written out: names come from files."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)
