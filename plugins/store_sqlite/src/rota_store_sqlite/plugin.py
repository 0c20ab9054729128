"""The entry point: which URLs the SQLite store serves. The store itself is imported when one is opened."""

from rota.plugins import StoreSpec, hookimpl

__all__ = ["rota_stores"]


@hookimpl
def rota_stores() -> list[StoreSpec]:
    """One store, the embedded durable one."""
    return [
        StoreSpec(
            schemes=("sqlite",),
            factory="rota_store_sqlite.store:open_store",
            summary="one file, durable, for all processes of one machine",
            url_example="sqlite:///jobs.db",
            file=True,
        )
    ]
