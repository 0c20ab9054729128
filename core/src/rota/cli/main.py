"""The command `rota`. Core's subcommands are named here and imported when they are run."""

from typing import Final

import click

from rota.cli.group import RotaGroup

__all__ = ["main"]

_COMMANDS: Final = {
    "cancel": "rota.cli.control:cancel",
    "fire": "rota.cli.schedule:fire",
    "history": "rota.cli.watching:history",
    "list": "rota.cli.listing:list_",
    "logs": "rota.cli.watching:logs",
    "pause": "rota.cli.control:pause",
    "plugins": "rota.cli.plugins:plugins",
    "purge": "rota.cli.control:purge",
    "resize": "rota.cli.control:resize",
    "resume": "rota.cli.control:resume",
    "retry": "rota.cli.control:retry",
    "run": "rota.cli.run:run",
    "schedule": "rota.cli.schedule:schedule",
    "show": "rota.cli.watching:show",
    "stats": "rota.cli.listing:stats",
    "version": "rota.cli.version:version",
    "watch": "rota.cli.watching:watch",
}


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from rota.cli.version import versions

    core, python = versions().values()
    click.echo(f"rota-core {core} (Python {python})")
    ctx.exit()


main: Final = RotaGroup(
    "rota",
    _COMMANDS,
    help="Schedule jobs, run workers, watch what happens. Data goes to stdout, messages to stderr; the exit code is"
    " 0 for done, 1 for failed, 2 for a wrong call or configuration, 3 for a store or server that can't be reached.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version and exit.",
        )
    ],
)
"""Run the command: `main()` reads the arguments of the process and exits with the code."""
