"""What the suite needs of a store: how to open it, and what else can be done with its backend."""

import importlib
import os
from collections.abc import Mapping

from rota.model.clock import Clock
from rota.model.errors import ConfigError
from rota.plugins import PluginHost
from rota.plugins.stores import open_store
from rota.store.contract import Store

__all__ = ["StoreHarness", "harness_from"]


class StoreHarness:
    """A store under test. A registered store needs no more than its URL; a subclass tells what the URL does not.

    Each test gets a namespace of its own, at random; nothing else on the backend is touched.
    """

    #: Where the store is, as `rota --store` takes it. A subclass sets it, or overrides `open`.
    url: str = ""

    def __init__(self, url: str | None = None) -> None:
        if url is not None:
            self.url = url

    def open(self, namespace: str, clock: Clock) -> Store:
        """A new client of `namespace`, opened. Called several times for one namespace: they share its data.

        A store whose clock is the host's must follow `clock`, which may stand still.
        """
        store = open_store(self.url, namespace=namespace, clock=clock, host=PluginHost.load(os.environ, quiet=True))
        store.open()
        return store

    def dump(self, namespace: str) -> Mapping[str, int] | None:
        """What the backend itself holds of a namespace, as name to size, past the store: for the check that nothing
        leaks. None when that can't be seen."""
        return None

    def operations(self) -> int | None:
        """A counter of backend operations or round trips, rising. None when there is none."""
        return None

    def restart_backend(self) -> bool:
        """Stop the backend hard and start it again with its data; False when it can't be done."""
        return False

    def drop_connections(self) -> bool:
        """Cut every connection to the backend, which goes on; False when it can't be done."""
        return False

    def close(self) -> None:
        """Let go of what the harness itself holds, after the last test."""


def harness_from(*, url: str | None = None, reference: str | None = None) -> StoreHarness:
    """The harness of a store URL, or of "package.module:Class"; with both, that class for that URL.

    Raises: ConfigError for neither, and for a reference that leads to no harness.
    """
    if reference is None:
        if not url:
            raise ConfigError("the suite needs a store: give its URL, or package.module:Class of a StoreHarness")
        return StoreHarness(url)
    module, _, name = reference.partition(":")
    try:
        found = getattr(importlib.import_module(module), name or "Harness")
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"harness {reference!r} can't be imported ({error}); write package.module:Class") from error
    if not (isinstance(found, type) and issubclass(found, StoreHarness)):
        raise ConfigError(f"harness {reference!r} is {found!r}; it must be a subclass of StoreHarness")
    return found(url)
