"""What rota finds through the entry point. LMDB is imported when a URL asks for it."""

from rota.plugins import StoreSpec, hookimpl


@hookimpl
def rota_stores() -> list[StoreSpec]:
    """One store."""
    summary = "one file, durable, for all processes of one machine"
    return [StoreSpec(("lmdb",), "acme_rota_lmdb.store:open_store", summary, url_example="lmdb:///jobs.db", file=True)]
