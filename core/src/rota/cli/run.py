"""`rota run`: a worker in the foreground."""

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rota.cli.target import find_manager
from rota.model.errors import ConfigError

if TYPE_CHECKING:
    from rota.manager.manager import Manager

__all__ = ["run"]


class _Target(click.ParamType[str]):
    """`package.module:manager`."""

    name = "module:manager"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the form; the import comes later."""
        module, _, name = value.partition(":")
        if module.endswith(".py"):
            meant = f"{'.'.join(Path(module).with_suffix('').parts)}:{name or 'manager'}"
            self.fail(f"{value!r} names a file, not a module; did you mean {meant}?", param, ctx)
        if not module or not name:
            self.fail(f"{value!r} does not read MODULE:MANAGER, as in app:manager", param, ctx)
        return value


def _checked_url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    from rota.store.url import StoreURL

    try:
        _ = None if value is None else StoreURL.parse(value)
    except ConfigError as error:
        raise click.BadParameter(str(error), ctx, param) from error
    return value


@click.command()
@click.argument("target", type=_Target(), metavar="MODULE:MANAGER")
@click.option("--store", metavar="URL", callback=_checked_url, help="Another store than the manager's own.")
@click.option("--namespace", help="Another namespace.")
@click.option("--concurrency", type=click.IntRange(min=1), help="How many jobs at once.  [default: 4 a processor]")
@click.option("--kinds", multiple=True, metavar="PATTERN", help="Only these jobs, as in 'billing.*'; may be repeated.")
@click.option(
    "--lease",
    type=click.FloatRange(min=0.1),
    default=15.0,
    show_default=True,
    help="Seconds without a beat until the worker counts as dead.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=25.0,
    show_default=True,
    help="Seconds that running jobs have to end at a stop.",
)
@click.option("--drain", is_flag=True, help="End by itself, once nothing is due or running.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="What to report on stderr.",
)
def run(
    target: str,
    store: str | None,
    namespace: str | None,
    concurrency: int | None,
    kinds: tuple[str, ...],
    lease: float,
    grace: float,
    drain: bool,
    log_level: str,
) -> None:
    """Run the jobs of MODULE:MANAGER until SIGTERM or Ctrl-C, or what is due is done (--drain).

    A first signal lets running jobs end, for as long as --grace; what has not ended goes back to the
    queue. A second one ends the wait.
    """
    logging.basicConfig(
        level=log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    manager = _manager(target, store, namespace)
    sys.exit(manager.run(concurrency=concurrency, kinds=kinds or None, lease=lease, grace=grace, drain=drain))


def _manager(target: str, store: str | None, namespace: str | None) -> "Manager":
    """Import the manager; what the command line says wins over what the code says."""
    if store is not None:
        os.environ["ROTA_STORE"] = store  # so that a manager without a store of its own can be made
    sys.path.insert(0, os.getcwd())
    manager = find_manager(target)
    if store is not None:
        manager.use_store(store, namespace=namespace)
    elif namespace is not None:
        return manager.namespaced(namespace)
    return manager
