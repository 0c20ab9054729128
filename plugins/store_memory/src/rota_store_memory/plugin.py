"""The entry point: which URLs the memory store serves. The store itself is imported when one is opened."""

from rota.plugins import StoreSpec, hookimpl

__all__ = ["rota_stores"]


@hookimpl
def rota_stores() -> list[StoreSpec]:
    """One store, for tests, trials and single processes."""
    return [
        StoreSpec(
            schemes=("memory",),
            factory="rota_store_memory.store:open_store",
            summary="in this process alone; gone when it ends",
            url_example="memory://",
        )
    ]
