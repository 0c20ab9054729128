"""`rota plugins`: what is installed, and `rota plugins doctor`: what is wrong with it."""

from collections.abc import Sequence
from typing import Final

import click

from rota.cli.group import EXIT_FAILED, RotaGroup, plugin_host
from rota.cli.output import Format, output_option, write_rows
from rota.plugins.doctor import diagnose, records_of
from rota.plugins.hookspecs import HOOKS
from rota.plugins.record import PluginRecord, Problem

__all__ = ["doctor", "plugins"]

_COLUMNS: Final = ("name", "distribution", "version", "state", "schemes", "hooks", "origin", "error")


@click.group(invoke_without_command=True)
@click.option("--hook", type=click.Choice(HOOKS), help="Show the plugins that implement this hook.")
@output_option
@click.pass_context
def plugins(ctx: click.Context, hook: str | None, output: Format) -> None:
    """List installed plugins: loaded, blocked, failed, incompatible or shadowed."""
    if ctx.invoked_subcommand is not None:
        return
    host = plugin_host(ctx, quiet=True)
    problems = [*host.problems(), *_clashes(ctx)]
    shown = [record for record in host.records if hook is None or hook in record.hooks]
    write_rows(_COLUMNS, (_row(record, problems) for record in shown), output)


@plugins.command()
@click.argument("name", required=False, default="")
@click.pass_context
def doctor(ctx: click.Context, name: str) -> None:
    """Show what is wrong with the installed plugins, or with NAME alone (a plugin or a distribution).

    Imports every plugin's code, client libraries included. Exits with 1 when something is wrong.
    """
    host = plugin_host(ctx, quiet=True)
    about = records_of(host, name)
    found = [*diagnose(host, name), *(one for one in _clashes(ctx) if one.records[0] in about)]
    blocked = [record for record in about if record.state == "blocked"]
    for problem in (*found, *(record.problem() for record in blocked if name)):
        click.echo(f"{problem.text()}\n")
    loaded = sum(record.state == "loaded" for record in about)
    disabled = f", {len(blocked)} disabled" if blocked else ""
    plural = "s" * (len(found) != 1)
    click.echo(f"{len(found)} problem{plural}; {loaded} of {len(about)} plugins loaded{disabled}")
    ctx.exit(EXIT_FAILED if found else 0)


def _clashes(ctx: click.Context) -> list[Problem]:
    root = ctx.find_root().command
    return root.clashes(plugin_host(ctx)) if isinstance(root, RotaGroup) else []


def _row(record: PluginRecord, problems: Sequence[Problem]) -> dict[str, object]:
    conflicts = [f"{one.what}: {one.cause}" for one in problems if record.state == "loaded" and record in one.records]
    error = record.error or "; ".join(conflicts)
    return {**{column: getattr(record, column) for column in _COLUMNS}, "error": error}
