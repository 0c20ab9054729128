"""A report as Markdown, to publish beside the file."""

from collections.abc import Iterable

from rota_conformance.report import Report
from rota_conformance.verdict import RequirementResult

__all__ = ["markdown"]


def markdown(report: Report) -> str:
    """Verdict, how it came about, and a table of all requirements."""
    totals = ", ".join(f"{number} {outcome}" for outcome, number in report.totals.items())
    lines = [
        f"# {report.store}: {report.verdict}",
        "",
        f"{totals}; {report.duration_s:.1f} s at profile `{report.profile}`, seed {report.seed}.",
        "",
        f"* features: {', '.join(report.features) or 'none'}; clock: {report.clock}",
        f"* suite {report.suite_version}; "
        + ", ".join(f"{name} {value}" for name, value in report.environment.items()),
        f"* again: `{report.reproduce}`",
        *(f"* spoiled: `{one}`" for one in report.spoiled),
        "",
        "| requirement | level | outcome | |",
        "|---|---|---|---|",
        *_rows(report.results),
    ]
    return "\n".join(lines) + "\n"


def _rows(results: Iterable[RequirementResult]) -> Iterable[str]:
    for one in results:
        level = one.level if one.feature is None else f"{one.level}: {one.feature}"
        yield f"| {one.id} | {level} | {one.outcome} | {_cell(one.text)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
