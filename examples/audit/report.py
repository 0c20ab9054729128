"""What is told at the end, on stdout: what ran, in which order, the story of one instance, the verdict."""

import sys
from collections.abc import Sequence
from logging import getLevelName

from jobs import Audit, Run
from rich.console import Console
from rich.table import Table
from rich.text import Text
from screen import harmless
from summary import summarize
from verdict import Verdict

import rota


class Report:
    """Asks the store and writes to stdout."""

    def __init__(self, manager: rota.Manager, run: Run, audits: Sequence[rota.Instance[Audit]]) -> None:
        self._manager = manager
        self._run = run
        self._audits = audits  # as they ended; the one scheduled last, with priority 0, is the last
        self._console = Console(file=sys.stdout, highlight=False)

    def write(self, tolerated: Sequence[str]) -> bool:
        """Write all of it; True when nothing is wrong."""
        self._runs()
        self._order()
        self._story()
        return self._verdict(tolerated)

    def _runs(self) -> None:
        self._line("What ran", "bold")
        table = Table("job", "instances", "runs", "outcomes of the runs", "p50", "p95", box=None, pad_edge=False)
        for column in (1, 2, 4, 5):
            table.columns[column].justify = "right"
        for kind, one in sorted(summarize(self._manager.scan(self._run.query())).items()):
            outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in one.outcomes.items())
            times = [f"{one.percentile(percent) * 1000:,.0f} ms" if one.seconds else "" for percent in (50, 95)]
            table.add_row(kind, f"{one.instances:,}", f"{len(one.seconds):,}", outcomes, *times)
        self._console.print(table)

    def _order(self) -> None:
        began = [one.outcome().began_ns for one in self._audits if one.state is rota.State.COMPLETED]
        if self._audits[-1].state is not rota.State.COMPLETED:
            return
        *others, last = began
        before, after = sum(one < last for one in others), sum(one > last for one in others)
        self._line("\nPriority", "bold")
        self._line(
            f"the longest audit, scheduled last of {len(self._audits)}: {before} started before it, {after} after it"
        )

    def _story(self) -> None:
        one = self._audits[-1]
        self._line(f"\nHistory and log of that audit, {one.id}", "bold")
        steps = [(step.at, step.state.value, "bold") for step in one.history()]
        lines = [(line.at, f"  {getLevelName(line.level)}  {line.message}", "") for line in one.logs()]
        for at, text, style in sorted(steps + lines, key=lambda each: each[0]):  # a stable sort: steps before lines
            self._line(f"{(at - steps[0][0]).total_seconds():8.3f} s  {text}", style)

    def _verdict(self, tolerated: Sequence[str]) -> bool:
        failed = [one for one in self._audits if one.state is not rota.State.COMPLETED]
        verdict = Verdict([one.outcome() for one in self._audits if one not in failed], tolerated)
        self._line("\nVerdict", "bold")
        for text, style in verdict.lines():
            self._line(text, style)
        for one in failed:
            self._line(f"NOT AUDITED: {one.arguments['metadata']}: {one.error}", "bold red")
        return verdict.clean and not failed

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(Text(harmless(text), style), soft_wrap=True)
