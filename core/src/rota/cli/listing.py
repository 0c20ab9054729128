"""`rota list`: jobs, instances, schedules and workers; `rota stats`: kinds in numbers."""

from itertools import islice
from typing import TYPE_CHECKING

import click

from rota.cli.client import client_options
from rota.cli.output import Format, output_option, write_rows
from rota.cli.rows import (
    INSTANCES,
    JOBS,
    SCHEDULES,
    STATS,
    WORKERS,
    instance_row,
    job_row,
    schedule_row,
    stats_row,
    worker_row,
)
from rota.cli.selection import selection_options

if TYPE_CHECKING:
    from rota.jobs.client import Client
    from rota.model.query import Query

__all__ = ["list_", "stats"]


@click.group(name="list")
def list_() -> None:
    """List jobs, instances, schedules or workers."""


@list_.command()
@client_options
@output_option
def jobs(client: "Client", output: Format) -> None:
    """List the jobs that workers have published."""
    write_rows(JOBS, map(job_row, client.kinds()), output)


@list_.command()
@selection_options
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="No more than so many.")
@click.option("--oldest-first", is_flag=True, help="In the order of creation.")
@client_options
@output_option
def instances(client: "Client", query: "Query", limit: int, oldest_first: bool, output: Format) -> None:
    """List instances, newest first."""
    from dataclasses import replace

    found = client.scan(replace(query, newest_first=not oldest_first))
    write_rows(INSTANCES, map(instance_row, islice(found, limit)), output)
    if next(found, None) is not None:
        click.echo(f"note: there are more; these are the first {limit}, --limit N shows N", err=True)


@list_.command()
@client_options
@output_option
def schedules(client: "Client", output: Format) -> None:
    """List recurring rules."""
    write_rows(SCHEDULES, map(schedule_row, client.schedules()), output)


@list_.command()
@client_options
@output_option
def workers(client: "Client", output: Format) -> None:
    """List live workers."""
    write_rows(WORKERS, map(worker_row, client.workers()), output)


@click.command()
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
@client_options
@output_option
def stats(client: "Client", kinds: tuple[str, ...], output: Format) -> None:
    """Show jobs in numbers: how many in each state, what is due, what limits hold back."""
    write_rows(STATS, map(stats_row, client.stats(*kinds)), output)
