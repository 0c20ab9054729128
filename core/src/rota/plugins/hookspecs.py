"""The hooks: what core asks every plugin, once, at start-up. docs/plugins.md shows each with an example.

A hook is a plain function that collects and answers; it does no I/O and imports no client library.
"""

from typing import TYPE_CHECKING, Final

import pluggy

from rota.plugins.specs import ClientSpec, ExecutorSpec, PolicySpec, ProcessorSpec, StoreSpec

if TYPE_CHECKING:
    import click

    from rota.jobs.jobs import Jobs

__all__ = [
    "HOOKS", "PROJECT", "hookimpl", "hookspec", "rota_clients", "rota_commands", "rota_executors", "rota_jobs",
    "rota_processors", "rota_queue_policies", "rota_stores",
]  # fmt: skip

PROJECT: Final = "rota"
"""The entry-point group, and the name that marks belong to."""

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)
"""Mark a function of a plugin as the implementation of the hook of its name."""


@hookspec
def rota_stores() -> list[StoreSpec]:
    """Describe stores. Called once by every manager, worker and command."""
    raise NotImplementedError


@hookspec
def rota_executors() -> list[ExecutorSpec]:
    """Describe executors. Called once by every manager, worker and command."""
    raise NotImplementedError


@hookspec
def rota_queue_policies() -> list[PolicySpec]:
    """Describe queue policies. Called once by every manager, worker and command."""
    raise NotImplementedError


@hookspec
def rota_processors() -> list[ProcessorSpec]:
    """Give code to call on outcomes. Called once by every manager, worker and command."""
    raise NotImplementedError


@hookspec
def rota_jobs() -> "Jobs":
    """Give job definitions that every manager includes. Called once by every manager, worker and command."""
    raise NotImplementedError


@hookspec
def rota_clients() -> list[ClientSpec]:
    """Describe clients for servers. Called once by every manager, worker and command."""
    raise NotImplementedError


@hookspec
def rota_commands() -> "list[click.Command]":
    """Give subcommands of `rota`. Called once, by the command alone."""
    raise NotImplementedError


HOOKS: Final = tuple(sorted(name for name in globals() if name.startswith("rota_")))
"""The names of all hooks, sorted."""
