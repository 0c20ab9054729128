"""The options that name a store or a server, and the client that they lead to."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rota.jobs.client import Client

__all__ = ["client_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


def client_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--store`, `--server` and `--namespace`, and call it with an open `client`, closed afterwards."""

    @click.option("--store", metavar="URL", help="The store to ask.  [default: ROTA_STORE, or store in rota.toml]")
    @click.option("--server", metavar="HOST:PORT", help="The server to ask, in place of a store.")
    @click.option("--namespace", help="A namespace of the store.")
    @wraps(command)
    def with_client(*args: Any, store: str | None, server: str | None, namespace: str | None, **options: Any) -> Any:
        with _connected(store, server, namespace) as client:
            _say_when_alone(client)
            return command(*args, client=client, **options)

    return with_client


def _connected(store: str | None, server: str | None, namespace: str | None) -> "Client":
    from rota.manager.connect import connect
    from rota.manager.manager import Manager

    if server is not None:
        if namespace is not None:
            raise click.UsageError("--namespace goes with --store; a server has the namespace that it was started with")
        return connect(server if "://" in server else f"rota://{server}")
    _refuse_absent(store)
    if namespace is not None:
        return Manager(store, namespace=namespace, policy=None)
    return connect(store)


def _refuse_absent(store: str | None) -> None:
    """A mistyped path must not become a new and empty store: a worker makes one, and none of these commands."""
    from rota.manager.configuration import Configuration, store_url
    from rota.plugins.host import PluginHost
    from rota.plugins.stores import refuse_absent

    configuration = Configuration.here()
    given = store if store is not None else configuration.text("store")
    if given is not None:
        where = "--store" if store is not None else configuration.where("store")
        refuse_absent(store_url(given, where), PluginHost.load(configuration.environ))


def _say_when_alone(client: "Client") -> None:
    """Say so where no other process can see what the command does, or be seen by it."""
    from rota.client.store_client import StoreClient, store_beneath

    if isinstance(client, StoreClient) and "multi_process" not in store_beneath(client).capabilities.features:
        click.echo("note: this store is in the memory of this command alone, and ends with it", err=True)
