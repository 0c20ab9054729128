"""Queue policies by name, as the rank functions that the enqueue step calls."""

import inspect
from collections.abc import Callable
from typing import TypeAlias, cast

from rota.model.records import InstanceRecord
from rota.plugins.factories import FactoryTable
from rota.plugins.specs import PolicySpec

__all__ = ["PolicyTable", "Rank"]

Rank: TypeAlias = Callable[[InstanceRecord], int]
"""The rank of an instance: smaller leaves the queue first, at most 53 bits."""


class PolicyTable(FactoryTable[PolicySpec]):
    """Queue policies by name."""

    def rank(self, name: str) -> Rank:
        """The rank function of a policy: what its factory names, or what that makes when it takes no parameter.

        Raises: as `load`.
        """
        factory = self.load(name)
        made = factory if inspect.signature(factory).parameters else factory()
        return cast(Rank, made)
