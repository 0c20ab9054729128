"""Find everything wrong with the installed plugins, their factories included."""

from collections.abc import Iterator

from rota.model.errors import PluginLoadError
from rota.plugins.factories import FactorySpec, import_factory, load_problem
from rota.plugins.host import PluginHost
from rota.plugins.record import Problem
from rota.plugins.settings import normalized
from rota.plugins.table import Offer

__all__ = ["diagnose"]


def diagnose(host: PluginHost, name: str = "") -> list[Problem]:
    """All problems; with `name` those of that plugin or distribution alone.

    Beside what loading found, it imports the factory of every spec, and so shows missing client
    libraries. Raises: PluginError when nothing installed has the name.
    """
    distribution = normalized(name)
    wanted = [
        one for one in host.records if not name or name == one.name or distribution == normalized(one.distribution)
    ]
    if not wanted:
        host.require(name)
    found = [*host.problems(), *_factory_problems(host)]
    return [problem for problem in found if any(record in wanted for record in problem.records)]


def _factory_problems(host: PluginHost) -> Iterator[Problem]:
    """Core's own factories are core's tests' business; a spec with several names is imported once."""
    offers: list[Offer[FactorySpec]] = [
        *host.stores.offers, *host.clients.offers, *host.executors.offers, *host.policies.offers
    ]  # fmt: skip
    for offer in {id(offer.item): offer for offer in reversed(offers) if not offer.record.essential}.values():
        try:
            import_factory(offer)
        except PluginLoadError as error:
            yield load_problem(offer, error.__cause__ or error)
