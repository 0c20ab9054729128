"""Find everything wrong with the installed plugins, their factories included."""

from collections.abc import Iterator

from rota.model.errors import PluginLoadError
from rota.plugins.factories import FactorySpec, import_factory, load_problem
from rota.plugins.host import PluginHost
from rota.plugins.record import PluginRecord, Problem
from rota.plugins.settings import normalized
from rota.plugins.table import Offer

__all__ = ["diagnose", "records_of"]


def diagnose(host: PluginHost, name: str = "") -> list[Problem]:
    """All problems; with `name` those of that plugin or distribution alone.

    Beside what loading found, it imports the factory of every spec, and so shows missing client
    libraries. Raises: PluginError when nothing installed has the name.
    """
    about = records_of(host, name)
    found = [*host.problems(), *_factory_problems(host)]
    return [problem for problem in found if any(record in about for record in problem.records)]


def records_of(host: PluginHost, name: str = "") -> list[PluginRecord]:
    """The plugins of that name or distribution, all without one. Raises: PluginError when there is none."""
    distribution = normalized(name)
    found = [
        one for one in host.records if not name or name == one.name or distribution == normalized(one.distribution)
    ]
    if not found:
        host.require(name)
    return found


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
