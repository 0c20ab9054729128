"""Specs are checked where they are made, so that a fault is the plugin's and not its user's."""

import pytest

from rota.model.errors import ConfigError
from rota.plugins import ExecutorSpec, PolicySpec, ProcessorSpec, StoreSpec


@pytest.mark.parametrize("schemes", [(), "redis", ["redis"], ("Redis",), ("re dis",), ("a", "a"), (1,), ("redis://",)])
def test_schemes_that_are_none_are_refused(schemes: object) -> None:
    """A tuple of different schemes in lower case, as RFC 3986 spells them; a bare text is a usual slip."""
    with pytest.raises(ConfigError, match=r"StoreSpec\(schemes\)"):
        StoreSpec(schemes, "a:b", "", "")  # type: ignore[arg-type]


@pytest.mark.parametrize("factory", ["a", "a.b", "a:", ":b", "a b:c", "a:b()", len])
def test_a_factory_that_is_no_reference_is_refused(factory: object) -> None:
    """A function instead of its name would import the client library with the plugin."""
    with pytest.raises(ConfigError, match=r"ExecutorSpec\(factory\)"):
        ExecutorSpec("a", factory, "")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "a b", "-a", "x" * 101, None])
def test_a_name_that_is_none_is_refused(name: object) -> None:
    """Names stand in options, settings and messages."""
    with pytest.raises(ConfigError, match=r"PolicySpec\(name\)"):
        PolicySpec(name, "a:b", "")  # type: ignore[arg-type]


def test_patterns_that_are_a_bare_text_are_refused() -> None:
    """`kinds="mail"` would be four patterns of one letter."""
    with pytest.raises(ConfigError, match=r"ProcessorSpec\(kinds\)"):
        ProcessorSpec("a", on_complete=print, kinds="mail")  # type: ignore[arg-type]
