"""`rota schedule`: add an instance of a job by name; `rota fire`: of a recurring rule."""

from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from rota.cli.client import client_options
from rota.cli.interrupt import interruptible
from rota.cli.known import known_job, refuse_unfitting
from rota.cli.output import Format, output_option, write_record
from rota.cli.parameters import DURATION, INSTANT
from rota.cli.rows import detail, instance_row

if TYPE_CHECKING:
    from rota.jobs.client import Client
    from rota.jobs.instance import Instance

__all__ = ["fire", "schedule"]

_WAITED: Final = 1  # the exit code of a wait that ended in anything but success


@click.command()
@click.argument("kind")
@click.argument("args", nargs=-1, metavar="[ARG]...")
@click.option("--arg", "named", multiple=True, metavar="NAME=VALUE", help="An argument by name.")
@click.option("--json-args", metavar="JSON", help='Arguments as JSON: an object of names, or a list: {"a": 1}.')
@click.option("--at", type=INSTANT, help="When: 2026-01-31T09:00+01:00.")
@click.option("--after", type=DURATION, help="In how long: 90, 5m, 2h.")
@click.option("--expires", type=DURATION, help="Cancel it unless it was started within.")
@click.option("--priority", type=int, help="Lower first.")
@click.option("--timeout", type=DURATION, help="The bound on one attempt.")
@click.option("--retry", type=click.IntRange(min=-1), help="Retries after the first attempt.")
@click.option("--unique-key", help="Let one live instance stand for all with this key.")
@click.option("--unknown", is_flag=True, help="Though no worker has published KIND yet; ARGS are not checked.")
@click.option("--wait", is_flag=True, help="Wait for its end; exit 1 unless it completed.")
@client_options
@output_option
@click.pass_context
def schedule(
    ctx: click.Context,
    /,
    client: "Client",
    kind: str,
    args: tuple[str, ...],
    named: tuple[str, ...],
    json_args: str | None,
    unknown: bool,
    wait: bool,
    output: Format,
    **options: Any,
) -> None:
    """Add an instance of KIND, a job that a worker has published. ARGS are text, which the worker converts by
    annotation; after `--` they may begin with a dash."""
    positional, by_name = _arguments(args, named, json_args)
    if not unknown:
        job = known_job(client, kind, ", or say --unknown for a worker that is to come")
        refuse_unfitting(job, positional, by_name)
    given = {name: value for name, value in options.items() if value is not None}
    instance = client.remote(kind).options(**given).schedule(*positional, **by_name)
    _answer(ctx, client, instance, wait, output)


@click.command()
@click.argument("name")
@click.option("--wait", is_flag=True, help="Wait for its end; exit 1 unless it completed.")
@client_options
@output_option
@click.pass_context
def fire(ctx: click.Context, client: "Client", name: str, wait: bool, output: Format) -> None:
    """Add an instance of the recurring rule NAME now, beside its slots."""
    _answer(ctx, client, client.run_schedule(name), wait, output)


def _answer(ctx: click.Context, client: "Client", instance: "Instance[Any]", wait: bool, output: Format) -> None:
    if not any(instance.kind in worker.kinds for worker in client.workers()):
        click.echo(f"note: no live worker runs {instance.kind!r}; it waits until one does", err=True)
    if not wait:
        write_record(instance_row(instance), output)
        return
    click.echo(f"{instance.id} is scheduled; waiting for its end", err=True)
    ended = interruptible(instance.join)
    write_record(detail(ended, client.kinds()), output)
    ctx.exit(0 if ended.state.value == "completed" else _WAITED)


def _arguments(
    args: tuple[str, ...], named: tuple[str, ...], json_args: str | None
) -> tuple[list[object], dict[str, object]]:
    positional: list[object] = list(args)
    by_name: dict[str, object] = {}
    if json_args is not None:
        found = _decoded(json_args)
        if isinstance(found, list):
            positional += found
        else:
            by_name.update(found)
    for one in named:
        name, equals, value = one.partition("=")
        if not name.isidentifier() or not equals:
            raise click.BadParameter(f"{one!r} does not read NAME=VALUE", param_hint="--arg")
        if name in by_name:
            raise click.BadParameter(f"{name!r} is given twice", param_hint="--arg")
        by_name[name] = value
    return positional, by_name


def _decoded(text: str) -> list[object] | dict[str, object]:
    try:
        return msgspec.json.decode(text, type=list[object] | dict[str, object])
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise click.BadParameter(
            f"it must be a JSON object of names, or a JSON list: {error}", param_hint="--json-args"
        ) from error
