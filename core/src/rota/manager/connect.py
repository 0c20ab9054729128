"""From a URL to a client, near or behind a server."""

from typing import cast

from rota.jobs.client import Client
from rota.manager.configuration import Configuration, store_url
from rota.manager.manager import Manager

__all__ = ["connect"]


def connect(url: str | None = None, *, token: str | None = None) -> Client:
    """A client for what `url` names: a store, or a server when a plugin brings its scheme. A store's queue keeps the
    policy that it has.

    `token` is a server's. Without a URL the configuration says it. Raises: ConfigError for a URL that is
    none; PluginError naming what to install.
    """
    from rota.plugins.host import PluginHost
    from rota.plugins.stores import SERVER_SCHEME

    configuration = Configuration.here()
    given = url if url is not None else configuration.text("store")
    if given is None:
        return Manager(policy=None)
    parsed = store_url(given, "connect(url)" if url is not None else configuration.where("store"))
    host = PluginHost.load(configuration.environ)
    if parsed.scheme in host.clients or parsed.scheme == SERVER_SCHEME:
        return cast(Client, host.clients.load(parsed.scheme)(parsed, token=token))
    return Manager(given, policy=None)
