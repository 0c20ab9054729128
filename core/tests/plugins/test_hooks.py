"""The hooks themselves: frozen names and arguments, each documented with an example that works."""

import inspect
import re
from pathlib import Path

import pytest

from rota.plugins import PluginHost, hookspecs
from rota.plugins.hookspecs import HOOKS

MANUAL = Path(__file__).parents[3] / "docs" / "plugins.md"

FROZEN = {
    "rota_clients": "rota_clients() -> list[ClientSpec]",
    "rota_commands": "rota_commands() -> list[click.Command]",
    "rota_executors": "rota_executors() -> list[ExecutorSpec]",
    "rota_jobs": "rota_jobs() -> Jobs",
    "rota_processors": "rota_processors() -> list[ProcessorSpec]",
    "rota_queue_policies": "rota_queue_policies() -> list[PolicySpec]",
    "rota_stores": "rota_stores() -> list[StoreSpec]",
}


def signature(hook: str) -> str:
    """Name, arguments and answer of a hook, as a person writes them."""
    written = str(inspect.signature(getattr(hookspecs, hook)))
    return hook + written.replace("rota.plugins.specs.", "").replace("'", "")


def section(hook: str) -> str:
    """What the manual says of a hook, below its heading."""
    parts = re.split(r"^#{2,3} ", MANUAL.read_text(), flags=re.MULTILINE)
    return next((part for part in parts if part.startswith(f"`{FROZEN[hook]}`")), "")


def examples(text: str) -> list[str]:
    """The Python blocks of a text."""
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def test_names_and_arguments_of_the_hooks_are_frozen() -> None:
    """Plugins in the world implement these: a name or an argument is never removed or renamed."""
    assert FROZEN == {hook: signature(hook) for hook in HOOKS}


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_with_its_signature_and_its_moment(hook: str) -> None:
    """The manual has a section headed by the exact signature, which says when the hook is called."""
    assert "\nWhen: once" in section(hook)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_every_hook_is_a_plugin_that_registers(hook: str) -> None:
    """The block below the heading is right as it stands, as far as ACME's package isn't needed."""
    (example,) = examples(section(hook))
    found: dict[str, object] = {}
    exec(compile(example, str(MANUAL), "exec"), found)  # noqa: S102 - the manual is ours
    plugin = type("Example", (), {hook: staticmethod(found[hook])})()  # type: ignore[arg-type]
    (record,) = PluginHost.for_tests([plugin], strict=False).records[1:]
    expected = ("failed", "acme_rota") if hook == "rota_jobs" else ("loaded", "")
    assert expected == (record.state, "acme_rota" if "'acme_rota'" in record.error else record.error)
    assert (() if record.state == "failed" else (hook,)) == record.hooks


def test_the_example_of_a_test_works() -> None:
    """The manual's way to try a plugin is run here."""
    (example,) = [block for block in examples(MANUAL.read_text()) if "for_tests" in block]
    exec(compile(example, str(MANUAL), "exec"), {"__name__": "example"})  # noqa: S102 - the manual is ours
