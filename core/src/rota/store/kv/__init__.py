"""The store contract on the five primitives of `rota.store.ordered_kv`."""

from rota.store.kv.store import KVStore

__all__ = ["KVStore"]
