"""Conversions to lists, tuples, sets and dicts: from their like, and from JSON text."""

import typing
from collections import OrderedDict, abc
from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Final, TypeAlias, get_args, get_origin

import msgspec

from rota.engine.conversion.scalars import Converter
from rota.engine.mismatch import Mismatch, describe

__all__ = ["CONTAINERS", "Compile", "container_converter", "from_json"]

#: Makes the converter of an annotation.
Compile: TypeAlias = Callable[[object], Converter]

_BARE_TUPLES: Final = (tuple, typing.Tuple)  # noqa: UP006 - what users may still write
_EXACT: Final = frozenset({int, str, float, bool, bytes})
_LISTS: Final = (list, tuple)
_SETS: Final = (list, tuple, set, frozenset)

#: What is made for each annotation; an abstract one gets the builtin that stands for it.
CONTAINERS: Final[MappingProxyType[object, Callable[[Any], object]]] = MappingProxyType(
    {
        list: list, abc.Sequence: list, abc.MutableSequence: list, abc.Iterable: list, abc.Collection: list,
        tuple: tuple,
        set: set, abc.Set: set, abc.MutableSet: set, frozenset: frozenset,
        dict: dict, abc.Mapping: dict, abc.MutableMapping: dict, OrderedDict: OrderedDict,
    }
)  # fmt: skip


def from_json(value: object, strict: bool) -> object:
    """What JSON text holds; anything else, and text that is no JSON, as it is."""
    if strict or not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value


def container_converter(annotation: object, compile_one: Compile) -> Converter:
    """The converter of a builtin or abstract container, bare or with the types of its items."""
    origin = get_origin(annotation) or annotation
    make, args, expected = CONTAINERS[origin], get_args(annotation), describe(annotation)
    if make in (dict, OrderedDict):
        return _mapping(make, expected, *(map(compile_one, args or (Any, Any))))
    if make is tuple and not (len(args) == 2 and args[1] is Ellipsis) and annotation not in _BARE_TUPLES:
        return _fixed_tuple(expected, [compile_one(arg) for arg in args])
    item = args[0] if args else Any
    sources = _SETS if make in (set, frozenset) else _LISTS
    return _collection(make, expected, sources, compile_one(item), item)


def _collection(
    make: Callable[[Any], object], expected: str, sources: tuple[type, ...], convert: Converter, item: object
) -> Converter:
    exact = frozenset({item}) if type(item) is type and item in _EXACT else frozenset()

    def convert_items(value: object, strict: bool) -> object:
        items = _items(value, strict, sources, expected)
        if exact and exact.issuperset(map(type, items)):  # most lists are; no call per item
            return items if type(items) is make else make(items)
        return _make(make, _convert_all(convert, items, strict), expected)

    return convert_items


def _items(value: object, strict: bool, sources: tuple[type, ...], expected: str) -> Any:
    items = value if isinstance(value, sources) else from_json(value, strict)
    if isinstance(items, sources):
        return items
    raise Mismatch(expected, value)


def _make(make: Callable[[Any], object], items: object, expected: str) -> object:
    try:
        return make(items)
    except TypeError as error:
        raise Mismatch(expected, problem=str(error)) from error


def _convert_all(convert: Converter, values: Iterable[object], strict: bool) -> list[object]:
    items: list[object] = []
    try:
        for value in values:
            items.append(convert(value, strict))  # noqa: PERF401 - the length tells the spot
    except Mismatch as error:
        raise error.inside(len(items)) from error.__cause__
    return items


def _fixed_tuple(expected: str, converters: list[Converter]) -> Converter:
    def convert_tuple(value: object, strict: bool) -> object:
        items = _items(value, strict, _LISTS, expected)
        if len(items) != len(converters):
            raise Mismatch(expected, problem=f"it has {len(converters)} items, got {len(items)}")
        return tuple(
            convert_step(convert, item, strict, step)
            for step, (convert, item) in enumerate(zip(converters, items, strict=True))
        )

    return convert_tuple


def convert_step(convert: Converter, value: object, strict: bool, step: object) -> object:
    """Convert what lies at `step`, so that an error tells the way to it."""
    try:
        return convert(value, strict)
    except Mismatch as error:
        raise error.inside(step) from error.__cause__


def _mapping(
    make: Callable[[Any], object], expected: str, convert_key: Converter, convert_item: Converter
) -> Converter:
    def convert_mapping(value: object, strict: bool) -> object:
        items = value if isinstance(value, abc.Mapping) else from_json(value, strict)
        if not isinstance(items, abc.Mapping):
            raise Mismatch(expected, value)
        made = {
            convert_step(convert_key, key, strict, key): convert_step(convert_item, item, strict, key)
            for key, item in items.items()
        }
        if len(made) < len(items):
            raise Mismatch(expected, problem="two of its keys become the same one")
        return made if make is dict else make(made)

    return convert_mapping
