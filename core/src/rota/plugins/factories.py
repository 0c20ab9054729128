"""Specs whose code is named by text, and the import of that code when somebody asks for it."""

import re
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from rota.model.errors import PluginLoadError
from rota.plugins.record import Problem, brief
from rota.plugins.reference import resolve
from rota.plugins.table import Offer, Table

__all__ = ["FactorySpec", "FactoryTable", "import_factory", "load_problem"]


class FactorySpec(Protocol):
    """A spec with a factory: stores, clients, executors, policies."""

    @property
    def factory(self) -> str:
        """The factory's name, "package.module:name"."""
        ...


F_co = TypeVar("F_co", bound=FactorySpec, covariant=True)


class FactoryTable(Table[F_co]):
    """A table of specs with factories."""

    def load(self, name: str) -> Callable[..., Any]:
        """Import and return the factory of that name. Raises: as `get`, and PluginLoadError when the import fails."""
        return import_factory(self.get(name))


def import_factory(offer: Offer[FactorySpec], what: str = "") -> Callable[..., Any]:
    """Import the factory of an offer; `what` opens the message when that fails.

    Raises: PluginLoadError from the cause, with what to install.
    """
    try:
        factory = resolve(offer.item.factory)
        if not callable(factory):
            raise TypeError(f"{offer.item.factory} is an object of type {type(factory).__name__}, not a function")
    except (Exception, SystemExit) as error:
        raise PluginLoadError(load_problem(offer, error, what).text()) from error
    return factory


def load_problem(offer: Offer[FactorySpec], cause: BaseException, what: str = "") -> Problem:
    """What is wrong with a factory that could not be imported, or whose client library is missing."""
    said = what or f'{getattr(offer.item, "noun", "spec")} "{offer.name}" can\'t be used'
    requires: str = getattr(offer.item, "requires", "")
    own = _is_own(offer, cause)
    reinstall = f"pip install --force-reinstall {offer.record.distribution}   |   report it to its author"
    upgrade = f"pip install --upgrade {offer.record.distribution}"
    install = f"pip install '{requires}'" if requires and isinstance(cause, ImportError) else upgrade
    return Problem(
        f'{said}: plugin "{offer.record.name}" is installed but its code did not load',
        (offer.record,),
        f"the plugin's own code lacks a part: {brief(cause)}" if own else brief(cause),
        reinstall if own else install,
    )


def _is_own(offer: Offer[FactorySpec], cause: BaseException) -> bool:
    """True when what could not be imported belongs to the plugin itself, so that no library can bring it."""
    missing = (cause.name or "").partition(".")[0] if isinstance(cause, ImportError) else ""
    homes = (offer.item.factory, offer.record.origin)
    return missing in {re.split(r"[.:]", home, maxsplit=1)[0] for home in homes}
