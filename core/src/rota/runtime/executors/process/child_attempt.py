"""An attempt as the job in a child sees it: what it asks of others goes through the child's own client."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rota.engine.arguments import ArgumentPlan, OpenPlan
from rota.jobs.client import Client
from rota.jobs.definition import Definition
from rota.jobs.instance import InstanceSource
from rota.model.records import Claim
from rota.runtime.attempt import Attempt, Surroundings

__all__ = ["ChildAttempt", "ClientHere", "SourceHere"]


class ClientHere(Protocol):
    """A client on the worker's store, connected at first use. Its attributes raise NotBound where there is none."""

    @property
    def client(self) -> Client:
        """The client."""
        ...

    @property
    def source(self) -> InstanceSource:
        """Where its instances come from."""
        ...

    def stands_for(self, client: object) -> bool:
        """True for the copy of the worker's own client that an import made here."""
        ...

    def close(self) -> None:
        """Let go of the connection, if there is one."""
        ...


class ChildAttempt(Attempt):
    """Its `arguments` come with the task, since they may differ from the record's."""

    __slots__ = ("_arguments", "_here")

    elsewhere = True

    def __init__(
        self, claim: Claim, definition: Definition, around: Surroundings, here: ClientHere, arguments: bytes | None
    ) -> None:
        super().__init__(claim, definition, around)
        self._here = here
        self._arguments = claim.record.arguments if arguments is None else arguments

    @property
    def arguments(self) -> bytes:
        """The encoded arguments to call the function with."""
        return self._arguments

    @property
    def client(self) -> Client:
        """A client on the worker's store. Raises NotBound when that can't be reached from here."""
        return self._here.client

    def client_among(self, clients: Sequence[Client]) -> Client | None:
        """That one, for jobs that no manager includes here, and for those of the worker's manager, whose copy would
        have another store. Raises NotBound, as `client`."""
        meant = not clients or any(self._here.stands_for(one) for one in clients)
        return self._here.client if meant else None


class SourceHere:
    """The source of the instances that jobs here are: `plans` read their arguments, all else is asked of the client."""

    def __init__(self, here: ClientHere, plans: Mapping[str, ArgumentPlan | OpenPlan]) -> None:
        self._here = here
        self._plans = plans

    def plan_of(self, kind: str) -> ArgumentPlan | OpenPlan:
        """How arguments and result of a kind read."""
        return self._plans.get(kind) or OpenPlan(kind)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._here.source, name)
