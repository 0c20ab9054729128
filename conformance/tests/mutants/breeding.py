"""How a broken store comes about: a memory store with one method of its own, and what has to find it out."""

from typing import ClassVar

from rota.model.clock import Clock
from rota.store.contract import Store
from rota.store.url import StoreURL
from rota_conformance.harness import StoreHarness
from rota_store_memory.entry import Entry
from rota_store_memory.hub import hub_of
from rota_store_memory.store import MemoryStore

__all__ = ["MUTANTS", "Mutant", "MutantHarness", "killed_by"]

#: Every mutant with the requirement that has to fail, in the order in which they are written down.
MUTANTS: "dict[type[Mutant], str]" = {}


class Mutant(MemoryStore):
    """An unbroken store, until a subclass breaks it."""

    def entry(self, instance_id: str) -> Entry:
        """The store's own record of an instance."""
        return self._space.entries[instance_id]

    @property
    def standing(self) -> dict[str, Entry]:
        """All of them."""
        return self._space.entries


def killed_by(requirement: str):
    """Note what has to find a mutant out."""

    def note(mutant: type[Mutant]) -> type[Mutant]:
        MUTANTS[mutant] = requirement
        return mutant

    return note


class MutantHarness(StoreHarness):
    """Opens what `bred` names; the test of the mutants sets it for a run."""

    bred: ClassVar[type[Mutant]] = Mutant

    def open(self, namespace: str, clock: Clock) -> Store:
        """A client of the mutant."""
        return self.bred(hub_of(StoreURL.parse("memory://mutants")), namespace, clock)
