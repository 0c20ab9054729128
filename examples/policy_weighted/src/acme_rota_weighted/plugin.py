"""What rota finds through the entry point. Nothing heavy is imported here."""

from rota.plugins import PolicySpec, hookimpl


@hookimpl
def rota_queue_policies() -> list[PolicySpec]:
    """One policy: `weighted?weights=mail.*:10,report:1&span=10m`."""
    return [PolicySpec("weighted", "acme_rota_weighted.rank:weighted", "waiting weighs by kind: weights=KIND:N,...")]
