"""`rota cancel`, `retry`, `purge`, `pause`, `resume`, `resize`: what changes what is there."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from rota.cli.client import client_options
from rota.cli.known import known_job, refuse_unknown_ids
from rota.cli.selection import instance_arguments, selection_options
from rota.model.query import Query

if TYPE_CHECKING:
    from rota.jobs.client import Client

__all__ = ["cancel", "pause", "purge", "resize", "resume", "retry"]


def _selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Ids and selection options, of which one must be given, or `--all`."""
    everything = click.option("--all", "everything", is_flag=True, help="All of them.")
    return instance_arguments(selection_options(everything(command)))


def _checked(client: "Client", query: Query, everything: bool, verb: str) -> Query:
    nothing_said = replace(query, newest_first=True) == Query()
    if nothing_said and not everything:
        raise click.UsageError(f"{verb} what? Name instances, select them by an option, or say --all")
    if everything and not nothing_said:
        raise click.UsageError("--all and a selection exclude one another")
    refuse_unknown_ids(client, query.ids or ())
    return query


@click.command()
@_selecting
@client_options
def cancel(client: "Client", query: Query, everything: bool) -> None:
    """Cancel instances: the queued at once, the running by request."""
    _act(client, _checked(client, query, everything, "cancel"), client.cancel, "canceled, or asked to end")


@click.command()
@_selecting
@client_options
def retry(client: "Client", query: Query, everything: bool) -> None:
    """Schedule failed instances again, as new ones, each once."""
    _act(client, _checked(client, query, everything, "retry"), client.retry, "scheduled again")


@click.command()
@_selecting
@client_options
def purge(client: "Client", query: Query, everything: bool) -> None:
    """Remove finished instances with their history and log."""
    _act(client, _checked(client, query, everything, "purge"), client.purge, "removed")


@click.command()
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
@click.option("--schedule", "schedules", multiple=True, metavar="NAME", help="A recurring rule.")
@client_options
def pause(client: "Client", kinds: tuple[str, ...], schedules: tuple[str, ...]) -> None:
    """Let no worker start these jobs, and these rules not fire; what runs goes on."""
    _each(client, kinds, schedules, client.pause, client.pause_schedule)


@click.command()
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
@click.option("--schedule", "schedules", multiple=True, metavar="NAME", help="A recurring rule.")
@client_options
def resume(client: "Client", kinds: tuple[str, ...], schedules: tuple[str, ...]) -> None:
    """Undo `pause`."""
    _each(client, kinds, schedules, client.resume, client.resume_schedule)


def _each(
    client: "Client",
    kinds: tuple[str, ...],
    schedules: tuple[str, ...],
    of_kinds: Callable[..., None],
    of_schedule: Callable[[str], bool],
) -> None:
    if not kinds and not schedules:
        raise click.UsageError("name jobs, or rules by --schedule NAME")
    for kind in kinds:
        if not client.stats(kind):  # neither instances nor paused, so that nobody but a worker can know it
            known_job(client, kind)
    of_kinds(*kinds)
    unknown = [name for name in schedules if not of_schedule(name)]
    if unknown:
        raise click.ClickException(f"there is no recurring rule {', '.join(map(repr, unknown))}")


@click.command()
@click.argument("worker")
@click.argument("concurrency", type=click.IntRange(min=1))
@client_options
def resize(client: "Client", worker: str, concurrency: int) -> None:
    """Ask a live WORKER, by its name, to run so many jobs at once."""
    if not client.resize(worker, concurrency):
        raise click.ClickException(f"no live worker is named {worker!r}; see rota list workers")


def _act(client: "Client", query: Query, verb: Callable[[Query], int], what: str) -> None:
    """Say how many it was done to. Of those that were named it fails when there is one that it can't be done to."""
    before = [] if query.ids is None else list(client.find(query))
    number = verb(query)
    click.echo(f"{number} {what}")
    if number < len(before):
        stood = ", ".join(f"{one.id} ({one.state.value})" for one in before)
        raise click.ClickException(f"not all that were named could be {what}; they stood so: {stood}")
