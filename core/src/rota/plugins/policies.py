"""Queue policies by name and options, as the rank functions that the enqueue step calls."""

import inspect
from collections.abc import Callable, Iterable
from inspect import Parameter
from typing import Any, Final, Literal, TypeAlias, cast

from rota.engine.arguments import ArgumentPlan
from rota.engine.policy_choice import PolicyChoice
from rota.model.errors import ArgumentError, ConfigError, PluginLoadError
from rota.model.records import InstanceRecord, ParameterRecord
from rota.plugins.factories import FactoryTable, import_factory, load_problem
from rota.plugins.specs import PolicySpec

__all__ = ["PolicyTable", "Rank"]

Rank: TypeAlias = Callable[[InstanceRecord], int]
"""The rank of an instance: smaller leaves the queue first, at most 53 bits."""

_POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class PolicyTable(FactoryTable[PolicySpec]):
    """Queue policies by name."""

    def rank(self, policy: str) -> Rank:
        """The rank function of a policy, chosen as "name" or "name?option=value&...": what its factory names, or what
        that makes of the options, each converted by the annotation of its parameter.

        Raises: as `load`; ConfigError for an option that the policy does not take, or a value that does not fit;
        PluginLoadError for a factory that is neither, or fails.
        """
        chosen = PolicyChoice.parse(policy)
        offer = self.get(chosen.name)
        factory = import_factory(offer)
        try:
            return _made(chosen, factory) if _form(factory) == "maker" else _plain(chosen, factory)
        except ConfigError:
            raise
        except Exception as error:
            raise PluginLoadError(load_problem(offer, error).text()) from error


def _form(factory: Callable[..., Any]) -> Literal["rank", "maker"]:
    """What a factory is, by its signature. Raises: TypeError when it is neither; ValueError when it has none."""
    signature = inspect.signature(factory)
    parameters = list(signature.parameters.values())
    optional = [one.default is not Parameter.empty for one in parameters]
    if all(optional) and all(one.kind is Parameter.KEYWORD_ONLY for one in parameters):
        return "maker"
    if parameters[0].kind in _POSITIONAL and optional.count(False) == 1 and not optional[0]:
        return "rank"
    raise TypeError(
        f"its factory takes {signature}: it must be a rank function (record), or make one and have none but optional "
        "keyword-only parameters (*, option=default)"
    )


def _plain(chosen: PolicyChoice, rank: Rank) -> Rank:
    if chosen.options:
        raise _refusal(chosen, "it has no options", ())
    return rank


def _made(chosen: PolicyChoice, factory: Callable[..., Any]) -> Rank:
    plan = ArgumentPlan(factory, kind=chosen.name)
    try:
        rank = factory(**plan.bind((), dict(chosen.options))[1])
    except (ArgumentError, ConfigError, ValueError) as error:
        raise _refusal(chosen, str(error), plan.parameters) from error
    if not callable(rank):
        raise TypeError(f"its factory made an object of type {type(rank).__name__}, not a rank function")
    return cast(Rank, rank)


def _refusal(chosen: PolicyChoice, why: str, parameters: Iterable[ParameterRecord]) -> ConfigError:
    takes = ", ".join(f"{one.name} ({one.annotation or 'text'})" for one in parameters) or "no options"
    return ConfigError(f"Manager(policy={str(chosen)!r}): {why}\n  takes:   {takes}")
