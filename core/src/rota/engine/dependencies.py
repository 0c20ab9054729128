"""What arguments depend on: the outputs that stand among them, and what comes into their place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from rota.engine.output import Output
from rota.engine.plain import ATOMS

__all__ = ["holds_output", "outputs_in", "replaced"]

_CONTAINERS: Final = frozenset({list, tuple, dict})


def outputs_in(args: Sequence[object], kwargs: Mapping[str, object]) -> Sequence[Output]:
    """The outputs among arguments, and in the containers among them. Two looks where all are numbers and text."""
    if ATOMS.issuperset(map(type, args)) and (not kwargs or ATOMS.issuperset(map(type, kwargs.values()))):
        return ()
    try:
        return list(_found(args, kwargs))
    except RecursionError:  # one that contains itself, which encoding refuses
        return ()


def _found(*containers: Any) -> Iterator[Output]:
    for container in containers:
        values = container.values() if isinstance(container, dict) else container
        if ATOMS.issuperset(map(type, values)):
            continue
        for value in values:
            if type(value) is Output:
                yield value
            elif type(value) in _CONTAINERS:
                yield from _found(value)


def holds_output(value: object) -> bool:
    """Whether a value is an output, or a container with one."""
    return next(_found((value,)), None) is not None


def replaced(value: Any, replace: Callable[[Output], object]) -> Any:
    """The value with something else in the place of each output."""
    kind = type(value)
    if kind is Output:
        return replace(value)
    if kind not in _CONTAINERS or not holds_output(value):
        return value
    if kind is dict:
        return {key: replaced(item, replace) for key, item in value.items()}
    return kind(replaced(item, replace) for item in value)
