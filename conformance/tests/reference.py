"""The reference model as a store under test, whole or broken in what it declares and the memory store may not."""

from typing import cast

from rota.model.clock import Clock
from rota.store.contract import Store
from rota_conformance.harness import StoreHarness
from rota_conformance.model import ReferenceStore
from rota_conformance.model.book import Book

__all__ = ["ReferenceHarness"]


class ReferenceHarness(StoreHarness):
    """Clients of one namespace share its book."""

    store_type: type[ReferenceStore] = ReferenceStore

    def __init__(self, url: str | None = None) -> None:
        super().__init__(url)
        self._books: dict[str, Book] = {}

    def open(self, namespace: str, clock: Clock) -> Store:
        """A client."""
        book = self._books.setdefault(namespace, Book())
        return cast(Store, self.store_type(clock, namespace, book))
