"""The store contract on the five primitives of `rota.store.ordered_kv`: so far the queue and its workers."""
