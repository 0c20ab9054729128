"""`rota show`, `history`, `logs`, `watch`: what became of an instance, and what happens."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

import click

from rota.cli.client import client_options
from rota.cli.interrupt import interruptible
from rota.cli.output import Format, output_option, write_record, write_rows
from rota.cli.rows import CHANGES, LINES, TRANSITIONS, change_row, detail, line_row, transition_row
from rota.cli.selection import selection_options

if TYPE_CHECKING:
    from rota.jobs.client import Client
    from rota.model.query import Query

__all__ = ["history", "logs", "show", "watch"]


@click.command()
@click.argument("id", type=click.UUID)
@client_options
@output_option
def show(client: "Client", id: UUID, output: Format) -> None:
    """Show all of one instance: arguments, state, result or error."""
    write_record(detail(client.get(id), client.kinds()), output)


@click.command()
@click.argument("id", type=click.UUID)
@client_options
@output_option
def history(client: "Client", id: UUID, output: Format) -> None:
    """Show the states that an instance went through."""
    write_rows(TRANSITIONS, map(transition_row, client.get(id).history()), output)


@click.command()
@click.argument("id", type=click.UUID)
@click.option("-f", "--follow", is_flag=True, help="Go on until the instance has ended.")
@client_options
@output_option
def logs(client: "Client", id: UUID, follow: bool, output: Format) -> None:
    """Show what an instance logged; with -f until it has ended, or until Ctrl-C."""
    lines = map(line_row, client.get(id).logs(follow=follow))
    if follow:
        _follow(LINES, lines, output)
    else:
        write_rows(LINES, lines, output)


@click.command()
@selection_options
@click.option("--cursor", help="Go on after a change that was seen; `cursor` of its JSON.")
@client_options
@output_option
def watch(client: "Client", query: "Query", cursor: str | None, output: Format) -> None:
    """Show state changes as they happen, until Ctrl-C."""
    _follow(CHANGES, map(change_row, client.watch(query, cursor=cursor)), output)


def _follow(columns: Sequence[str], rows: Iterable[Mapping[str, object]], output: Format) -> None:
    """Write rows as they come, until the last one, or Ctrl-C: that is how a person ends it, and no failure."""
    with suppress(KeyboardInterrupt):
        interruptible(lambda: write_rows(columns, rows, output, streamed=True))
