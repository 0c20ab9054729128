"""Another store, clock and randomness under a manager for a while, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rota.client.connection import Connection
from rota.client.environment import Environment
from rota.client.finals import Finals
from rota.client.instance_source import StoreInstances
from rota.store.contract import Store

if TYPE_CHECKING:
    from rota.manager.manager import Manager

__all__ = ["swapped"]

_URL = "memory://"
_KEPT = frozenset({"_plugins"})  # loaded once for all


@contextmanager
def swapped(
    manager: Manager, environment: Environment, finals: Callable[[Callable[[], Store]], Finals]
) -> Iterator[Connection]:
    """Let a manager, and its views of other namespaces, work on a memory store of their own by `environment`.

    Everything is as it was afterwards: the connection, open or not, ids, randomness, handles. Instances that
    were made meanwhile go on asking the store that they stand in.
    """
    everyone = [manager, *manager._views]
    before = [(one, dict(one.__dict__)) for one in everyone]
    try:
        for one in everyone:
            one._environment, one._given_store = environment, _URL
            one.__dict__.pop("_nameless", None)  # made of the ids
        connection = Connection(manager._open_store, manager._policy)
        manager._connect_by(connection)
        for view in everyone[1:]:
            view._connect_by(connection.namespaced(view._namespace))
        manager._source = StoreInstances(lambda: connection.store, manager._known, finals(lambda: connection.store))
        try:
            yield connection
        finally:
            connection.close()
    finally:
        for one, attributes in before:
            _put_back(one, attributes)


def _put_back(manager: Manager, attributes: dict[str, object]) -> None:
    now = manager.__dict__
    for name in now.keys() - attributes.keys() - _KEPT:
        del now[name]
    now.update(attributes)
