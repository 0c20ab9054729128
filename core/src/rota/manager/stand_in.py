"""The client that a job has in a process of its own: a manager on the same store, connected there."""

from typing import TYPE_CHECKING, Final

from rota.manager.manager import Manager
from rota.model.errors import NotBound

if TYPE_CHECKING:
    from rota.jobs.client import Client
    from rota.jobs.instance import InstanceSource
    from rota.runtime.outside import ClientTerms

__all__ = ["StandIn"]


class StandIn:
    """Stands in for the worker's manager, by the terms that this one sent."""

    def __init__(self, terms: "ClientTerms") -> None:
        self._terms: Final = terms
        self._manager: Manager | None = None

    @property
    def client(self) -> "Client":
        """A manager on the worker's store. Raises NotBound when no other process reaches that."""
        return self._reachable()

    @property
    def source(self) -> "InstanceSource":
        """Where the instances of that manager come from. Raises NotBound, as `client`."""
        return self._reachable()._source

    def _reachable(self) -> Manager:
        terms = self._terms
        if terms.why_not:
            raise NotBound(terms.why_not)
        if self._manager is None:
            self._manager = Manager(terms.store, namespace=terms.namespace, policy=terms.policy)
        return self._manager

    def stands_for(self, client: object) -> bool:
        """True for the copy of the worker's manager that the import of its module made here."""
        return isinstance(client, Manager) and client._declared == self._terms.declared

    def close(self) -> None:
        """Let go of the connection, if there is one."""
        if self._manager is not None:
            self._manager.close()
