"""The command `rota conformance`, as core's hook for commands takes it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from rota.plugins import hookimpl

__all__ = ["conformance", "rota_commands"]

Command = TypeVar("Command", bound=Callable[..., Any])

_NOT_CONFORMANT: Final = 1
_REPORT: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@hookimpl
def rota_commands() -> list[click.Command]:
    """One group."""
    return [conformance]


@click.group()
def conformance() -> None:
    """Prove that a store meets rota's contract, and deal with the reports of such proofs."""


@conformance.command()
@click.option("--store", metavar="URL", help="The store to test; each test has a namespace of its own in it.")
@click.option("--harness", metavar="MODULE:CLASS", help="A StoreHarness that tells more than a URL can.")
@click.option("--profile", type=click.Choice(["dev", "ci", "nightly"]), default="dev", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Repeats a run: random choices follow it.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the report, as JSON, to a file.",
)
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST_ARGS...]")
@click.pass_context
def run(
    ctx: click.Context,
    store: str | None,
    harness: str | None,
    profile: str,
    seed: int,
    report: Path | None,
    pytest_args: tuple[str, ...],
) -> None:
    """Run the suite; exit 0 only when the verdict is `conformant`.

    What follows `--` goes to pytest, as in `-- -k claim -x`: what that leaves out is missing in the verdict.
    """
    from rota_conformance.running import run as run_suite

    if report is not None:
        report.touch()  # now, not after a long run, is when to learn that it can't be written
    found = run_suite(store, harness=harness, profile=profile, seed=seed, pytest_args=pytest_args)
    if report is not None:
        report.write_bytes(found.to_json())
    click.echo(found.summary())
    ctx.exit(0 if found.verdict == "conformant" else _NOT_CONFORMANT)


@conformance.command()
@click.argument("report", type=_REPORT)
def render(report: Path) -> None:
    """Show a report as Markdown."""
    from rota_conformance.rendering import markdown
    from rota_conformance.report import Report

    click.echo(markdown(Report.from_json(report.read_bytes())), nl=False)


@conformance.command()
@click.argument("before", type=_REPORT)
@click.argument("after", type=_REPORT)
@click.pass_context
def compare(ctx: click.Context, before: Path, after: Path) -> None:
    """Show what differs between two reports; exit 1 when something that passed does not any more."""
    from rota_conformance.comparison import differences
    from rota_conformance.report import Report

    found = differences(Report.from_json(before.read_bytes()), Report.from_json(after.read_bytes()))
    for one in found:
        click.echo(f"{one.id}: {one.before} -> {one.after}  {one.text}")
    click.echo(f"{len(found)} differences", err=True)
    ctx.exit(_NOT_CONFORMANT if any(one.worse for one in found) else 0)


@conformance.command()
@click.argument("reports", nargs=-1, required=True, type=_REPORT)
@click.pass_context
def verify(ctx: click.Context, reports: tuple[Path, ...]) -> None:
    """Check that reports are whole, agree with this suite's requirements, and say what follows from their results."""
    from rota_conformance.report import Report
    from rota_conformance.verification import faults

    wrong = False
    for path in reports:
        report = Report.from_json(path.read_bytes())
        found = faults(report)
        wrong = wrong or bool(found)
        click.echo(f"{path}: {'; '.join(found) if found else f'sound, {report.verdict}'}")
    ctx.exit(1 if wrong else 0)


@conformance.command(name="list")
def list_() -> None:
    """List the requirements."""
    from rota_conformance.requirements import REQUIREMENTS

    for one in REQUIREMENTS.values():
        needs = f", needs {one.needs}()" if one.needs else ""
        click.echo(f"{one.id:<8}{one.level}{f' {one.feature}' if one.feature else ''}{needs}: {one.text}")


@conformance.command()
@click.argument("name", metavar="DISTRIBUTION")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=Path("."), help="Where to write it.")
@click.option("--whole", is_flag=True, help="The whole contract, for a backend with scripts or SQL of its own.")
def init(name: str, into: Path, whole: bool) -> None:
    """Write the skeleton of a store plugin, as in `rota conformance init rota-store-acme`.

    It installs, and its store is two primitives from passing the suite: `read` and `commit`, over any ordered key-value
    backend. With --whole every operation is there, and delegates to the memory store until it is replaced.
    """
    from rota_conformance.skeleton import write_skeleton

    folder = write_skeleton(name, into, whole=whole)
    click.echo(f"{folder} is written; its README.md says how to go on", err=True)
