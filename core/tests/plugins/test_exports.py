"""What plugin authors may import, and what that costs."""

import subprocess
import sys

import rota.plugins

EXPECTED = [
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


def test_the_names_for_authors_are_these() -> None:
    """The list grows; a name never leaves it silently."""
    assert EXPECTED == rota.plugins.__all__
    assert all(hasattr(rota.plugins, name) for name in EXPECTED)


def test_importing_them_imports_no_command_and_no_metadata() -> None:
    """A plugin module is imported by every process that uses rota."""
    heavy = "[name for name in ('click', 'rich', 'asyncio', 'importlib.metadata') if name in sys.modules]"
    code = f"import sys, rota.plugins; print({heavy})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "[]\n" == ran.stdout
