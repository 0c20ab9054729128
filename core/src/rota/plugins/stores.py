"""From a URL to a store: parse, look the scheme up, import its factory, make the store."""

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol, cast

from rota.model.clock import Clock
from rota.model.errors import PluginError, PluginLoadError, StoreUnavailable
from rota.plugins.factories import FactoryTable, import_factory, load_problem
from rota.plugins.specs import StoreSpec
from rota.store.contract import Store
from rota.store.url import StoreURL

if TYPE_CHECKING:
    from rota.plugins.host import PluginHost

__all__ = ["SERVER_SCHEME", "STORE_HINTS", "StoreFactory", "StoreTable", "open_store", "refuse_absent"]

STORE_HINTS: Final = MappingProxyType(
    {
        "etcd": "rota-store-etcd",
        "etcds": "rota-store-etcd",
        "memory": "rota-store-memory",
        "redis": "rota-store-redis",
        "rediss": "rota-store-redis",
        "sqlite": "rota-store-sqlite",
        "valkey": "rota-store-valkey",
        "valkeys": "rota-store-valkey",
    }
)
"""The distribution to install for the schemes of this project."""

SERVER_SCHEME: Final = "rota"
"""The scheme of our own server, for `rota.connect`; no store."""

StoreTable = FactoryTable[StoreSpec]
"""Stores by scheme."""


class StoreFactory(Protocol):
    """What `StoreSpec.factory` names."""

    def __call__(self, url: StoreURL, *, namespace: str, clock: Clock) -> Store:
        """Make the store of `url` for one namespace. No I/O: `Store.open` connects.

        Raises: ConfigError for a URL it can't serve, ImportError when the client library is missing.
        """
        ...


def open_store(url: str | StoreURL, *, namespace: str, clock: Clock, host: "PluginHost") -> Store:
    """Make the store that `url` names; the caller opens and closes it.

    Raises: ConfigError for an unreadable URL or an unknown option, PluginError when no plugin serves the
    scheme (the message names the distribution to install), PluginConflict when two do, PluginLoadError
    when the plugin or its client library is broken or missing. No message shows the credentials.
    """
    parsed = StoreURL.parse(url) if isinstance(url, str) else url
    what = _what(parsed)
    if parsed.scheme not in host.stores:
        _refuse_server(parsed, host)
    offer = host.stores.get(parsed.scheme, what)
    factory = cast(StoreFactory, import_factory(offer, what))
    try:
        return factory(parsed, namespace=namespace, clock=clock)
    except ImportError as error:
        raise PluginLoadError(load_problem(offer, error, what).text()) from error


def refuse_absent(url: StoreURL, host: "PluginHost") -> None:
    """Raise StoreUnavailable where the store is a file that is not there: opening it would make an empty one."""
    if url.scheme not in host.stores or not host.stores.get(url.scheme, _what(url)).item.file or not url.file:
        return
    path = Path(url.file).expanduser().absolute()
    if not path.exists():
        raise StoreUnavailable(
            f'there is no store at "{url.redacted}": no file {path}\n'
            "  try:     the path that the worker was given   |   rota run MODULE:MANAGER, which makes the file"
        )


def _what(url: StoreURL) -> str:
    return f'cannot open store "{url.redacted}"'


def _refuse_server(url: StoreURL, host: "PluginHost") -> None:
    if url.scheme != SERVER_SCHEME and url.scheme not in host.clients:
        return
    install = "" if url.scheme in host.clients else "pip install rota-server, then "
    raise PluginError(
        f'"{url.redacted}" names a server, not a store\n'
        f"  cause:   managers and workers need a store; {url.scheme}:// is the address of a server (rota-server)\n"
        f"  try:     {install}rota.connect(...)   |   the URL of a store: {', '.join(host.stores.names)}"
    )
