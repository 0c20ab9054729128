"""The group behind `rota`: subcommands imported when they are named, plugins' commands, errors as exit codes."""

import os
import sys
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, cast, final

import click

from rota.model.errors import ConfigError, RotaError, StoreUnavailable
from rota.plugins.host import PluginHost
from rota.plugins.record import Problem
from rota.plugins.reference import resolve
from rota.plugins.settings import DISABLE

__all__ = ["EXIT_FAILED", "EXIT_UNREACHABLE", "EXIT_USAGE", "RotaGroup", "plugin_host"]

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNREACHABLE: Final = 3

_HOST: Final = "rota.plugins"


def plugin_host(ctx: click.Context, *, quiet: bool = False) -> PluginHost:
    """The plugins of this run of the command, loaded at the first call; `quiet` counts for that one."""
    if _HOST not in ctx.meta:
        ctx.meta[_HOST] = PluginHost.load(os.environ, commands=True, quiet=quiet)
    return cast(PluginHost, ctx.meta[_HOST])


@final
class RotaGroup(click.Group):
    """A group whose own subcommands are named by text, and whose other ones come from plugins.

    `lazy` is name to "package.module:command". A core command is found without loading any plugin; the
    help and an unknown name load them. Core wins over a plugin's command of its name, with a warning.
    """

    def __init__(self, name: str, lazy: Mapping[str, str], **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self._lazy = dict(lazy)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command and exit: 0 done, 1 failed, 2 a wrong call or configuration, 3 unreachable. An error of
        rota is one message on stderr; with `standalone_mode=False` it is raised."""
        try:
            return super().main(*args, **extra)
        except RotaError as error:
            if not extra.get("standalone_mode", True):
                raise
            click.echo(f"error: {error}", err=True)
            sys.exit(_code(error))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names that can be run, sorted: core's, and those of plugins that no two of them claim."""
        for problem in self.clashes(plugin_host(ctx)):
            click.echo(f"warning: {problem.what}; {problem.cause}", err=True)
        claims = Counter(offer.name for offer in plugin_host(ctx).commands.offers)
        return sorted(self._own(ctx).union(name for name, count in claims.items() if count == 1))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None when there is none.

        Raises: PluginConflict when two plugins claim it, PluginLoadError when the plugin of that name is broken.
        """
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name in self._lazy:
            return own or cast(click.Command, resolve(self._lazy[cmd_name]))
        host = plugin_host(ctx)
        if cmd_name in host.commands:
            return host.commands.get(cmd_name).item
        for record in host.records:
            if record.name == cmd_name and record.state != "loaded":
                raise record.refusal()
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As every group does; an unknown name suggests what may have been meant, plugins' commands too."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not close:
                raise
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {close[0]!r}?", ctx) from error

    def clashes(self, host: PluginHost) -> list[Problem]:
        """The commands of plugins that have the name of one of core's, which wins."""
        own = {*self.commands, *self._lazy}
        return [
            Problem(
                f'plugin "{offer.record.name}" ({offer.record.source}) brings a command "{offer.name}"',
                (offer.record,),
                "core has a command of that name, which wins",
                f"report it to the author of {offer.record.distribution}, or disable it: {DISABLE}={offer.record.name}",
            )
            for offer in host.commands.offers
            if offer.name in own
        ]

    def _own(self, ctx: click.Context) -> set[str]:
        return {*super().list_commands(ctx), *self._lazy}


def _code(error: RotaError) -> int:
    if isinstance(error, StoreUnavailable):
        return EXIT_UNREACHABLE
    return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED
