"""The options that select instances, and the query that they make."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final

import click

from rota.cli.parameters import STATE, AgoOrInstant
from rota.model.query import Query

__all__ = ["instance_arguments", "selection_options"]

_WHEN: Final = AgoOrInstant(lambda: datetime.now(UTC))

_OPTIONS: Final = (
    click.option("--id", "ids", type=click.UUID, multiple=True, help="These instances."),
    click.option("--kind", "kinds", multiple=True, help="Of these jobs."),
    click.option("--state", "states", type=STATE, multiple=True, help="In one of these states."),
    click.option("--since", type=_WHEN, help="Created since an instant, or so long ago: 2h."),
    click.option("--until", type=_WHEN, help="Created before."),
    click.option("--ended-since", type=_WHEN, help="Ended since."),
    click.option("--ended-until", type=_WHEN, help="Ended before."),
    click.option("--worker", help="That a worker has, or had last."),
    click.option("--parent", type=click.UUID, help="That depend on this one, or were scheduled in its job."),
    click.option("--reason", help="By the reason of their last change: poison, exhausted, expired."),
    click.option("--schedule", help="Fired by a recurring rule."),
    click.option("--unique-key", help="With this key."),
)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options, each of which may be left out, and call it with their `query`."""

    @wraps(command)
    def with_query(
        *args: Any, ids: tuple[Any, ...], kinds: tuple[str, ...], states: tuple[Any, ...], **options: Any
    ) -> Any:
        names = ("since", "until", "ended_since", "ended_until", "worker", "parent", "reason", "schedule", "unique_key")
        given = {name: options.pop(name) for name in names}
        query = Query(ids=ids or None, kind=kinds or None, state=states or None, **given)
        return command(*args, query=query, **options)

    decorated: Callable[..., Any] = with_query
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def instance_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command that takes selection options be given ids as arguments, too: the short form of `--id`."""

    @click.argument("instances", nargs=-1, type=click.UUID, metavar="[ID]...")
    @wraps(command)
    def with_ids(*args: Any, instances: tuple[Any, ...], ids: tuple[Any, ...], **options: Any) -> Any:
        return command(*args, ids=(*ids, *instances), **options)

    return with_ids
