"""What plugin authors import: the mark of a hook, and what hooks answer. docs/plugins.md shows how."""

from rota.plugins.hookspecs import hookimpl
from rota.plugins.host import PluginHost
from rota.plugins.specs import (
    CLIENT_API,
    EXECUTOR_API,
    POLICY_API,
    STORE_API,
    ClientSpec,
    ExecutorSpec,
    PolicySpec,
    ProcessorSpec,
    StoreSpec,
)
from rota.plugins.stores import StoreFactory

__all__ = [
    "CLIENT_API",
    "EXECUTOR_API",
    "POLICY_API",
    "STORE_API",
    "ClientSpec",
    "ExecutorSpec",
    "PluginHost",
    "PolicySpec",
    "ProcessorSpec",
    "StoreFactory",
    "StoreSpec",
    "hookimpl",
]
