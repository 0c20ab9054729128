"""Names in text, "package.module:name", and the objects behind them."""

import importlib

__all__ = ["resolve"]


def resolve(reference: str) -> object:
    """Import the module of `reference` and return the attribute that it names.

    Raises: AttributeError when the module has no such name; whatever the import raises.
    """
    module, _, path = reference.partition(":")
    found: object = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found
