"""Conversions to classes with fields: dataclass, TypedDict, NamedTuple, msgspec Struct and pydantic models.

Fields are converted one by one with the rules of `convert`; a key that is no field is an error, never dropped.
A Struct and a pydantic model decide themselves what they take, by their own rules.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, InitVar, dataclass, fields, is_dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

from rota.engine.conversion.containers import Compile, convert_step, from_json
from rota.engine.conversion.scalars import Converter
from rota.engine.mismatch import Mismatch, describe
from rota.model.errors import ConfigError

__all__ = ["class_converter"]

_PATH: Final = re.compile(r" - at `\$(.*)`$")
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_NONE: Final[Mapping[str, object]] = MappingProxyType({})
_NATIVE: Final = (bytes, bytearray, memoryview)


def class_converter(annotation: object, compile_one: Compile) -> Converter:
    """The converter of a class, given bare or with type arguments."""
    cls = get_origin(annotation) or annotation
    if not isinstance(cls, type) or getattr(cls, "_is_protocol", False):
        return lambda value, strict: value
    if is_typeddict(cls):
        return _typed_dict(cls, annotation, compile_one)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _named_tuple(cls, annotation, compile_one)
    if issubclass(cls, msgspec.Struct):
        return _struct(cls, annotation, compile_one)
    if hasattr(cls, "model_validate"):
        return _model(cls)
    if is_dataclass(cls):
        return _dataclass(cls, annotation, compile_one)
    return _instance(cls)


def _instance(cls: type) -> Converter:
    from_text = hasattr(cls, "unicode_string")  # a URL of pydantic

    def convert_instance(value: object, strict: bool) -> object:
        if isinstance(value, cls):
            return value
        if from_text and isinstance(value, str):
            return _build(cls, cls.__name__, [value])
        raise Mismatch(cls.__name__, value)

    return convert_instance


@dataclass(frozen=True, slots=True)
class _Shape:
    """The fields of a class: how each is converted, and which must be there."""

    expected: str
    converters: Mapping[str, Converter]
    required: frozenset[str]

    def read(self, items: Mapping[Any, object], strict: bool) -> dict[str, object]:
        """Convert the fields that are given; Mismatch for unknown and missing ones."""
        if unknown := [key for key in items if key not in self.converters]:
            names = ", ".join(self.converters)
            raise Mismatch(self.expected, problem=f"it has no field {unknown[0]!r}; its fields are {names}")
        if missing := [name for name in self.converters if name in self.required and name not in items]:
            raise Mismatch(self.expected, problem=f"its field {missing[0]!r} is missing")
        return {name: convert_step(self.converters[name], item, strict, name) for name, item in items.items()}


def _hints(cls: type, annotation: object) -> dict[str, object]:
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise ConfigError(
            f"an annotation inside {cls.__qualname__} can't be resolved: {error}. "
            f"Import the name at run time, or define it at module level, so that values can be restored"
        ) from error
    known: dict[object, object] = dict(zip(getattr(cls, "__parameters__", ()), get_args(annotation), strict=False))
    return {name: _substitute(hint, known) for name, hint in hints.items()} if known else hints


def _substitute(hint: Any, known: Mapping[object, object]) -> object:
    if isinstance(hint, TypeVar):
        return known.get(hint, hint)
    if parameters := getattr(hint, "__parameters__", ()):
        return hint[tuple(known.get(parameter, parameter) for parameter in parameters)]
    return hint


def _build(cls: Callable[..., Any], expected: str, args: Iterable[object], values: Mapping[str, object] = _NONE) -> Any:
    try:
        return cls(*args, **values)
    except (ValueError, TypeError) as error:  # what a class raises for values that it refuses
        raise Mismatch(expected, problem=str(error) or type(error).__name__) from error


def _dataclass(cls: type, annotation: object, compile_one: Compile) -> Converter:
    members, hints = fields(cls), _hints(cls, annotation)
    for name, hint in hints.items():
        if isinstance(hint, InitVar):
            raise ConfigError(
                f"{cls.__qualname__} is not kept as it was made: its InitVar {name!r} is gone after __init__, so it "
                f"can't be made again in the worker; make it a field, or pass what it is made from"
            )
    shape = _Shape(
        describe(annotation),
        {member.name: compile_one(hints[member.name]) for member in members},
        frozenset(member.name for member in members if member.init and not _has_default(member)),
    )
    late = frozenset(member.name for member in members if not member.init)

    def convert_dataclass(value: object, strict: bool) -> object:
        if isinstance(value, cls):
            return value
        items = from_json(value, strict)
        if not isinstance(items, Mapping):
            raise Mismatch(shape.expected, value)
        values = shape.read(items, strict)
        made = _build(cls, shape.expected, (), {name: item for name, item in values.items() if name not in late})
        for name in late.intersection(values):  # set after __init__, as they were when stored
            object.__setattr__(made, name, values[name])
        return made

    return convert_dataclass


def _has_default(member: Field[Any]) -> bool:
    return member.default is not MISSING or member.default_factory is not MISSING


def _typed_dict(cls: type, annotation: object, compile_one: Compile) -> Converter:
    hints = _hints(cls, annotation)
    required: frozenset[str] = cls.__required_keys__  # type: ignore[attr-defined]
    shape = _Shape(describe(annotation), {name: compile_one(hint) for name, hint in hints.items()}, required)

    def convert_typed_dict(value: object, strict: bool) -> object:
        items = from_json(value, strict)
        if isinstance(items, Mapping):
            return shape.read(items, strict)
        raise Mismatch(shape.expected, value)

    return convert_typed_dict


def _named_tuple(cls: Any, annotation: object, compile_one: Compile) -> Converter:
    names: tuple[str, ...] = cls._fields
    hints = _hints(cls, annotation)
    required = frozenset(names) - frozenset(cls._field_defaults)
    shape = _Shape(describe(annotation), {name: compile_one(hints.get(name, Any)) for name in names}, required)

    def convert_named_tuple(value: object, strict: bool) -> object:
        if isinstance(value, cls):
            return value
        items = from_json(value, strict)
        if isinstance(items, (list, tuple)):
            if len(items) > len(names):
                raise Mismatch(shape.expected, problem=f"it has {len(names)} fields, got {len(items)}")
            items = dict(zip(names, items, strict=False))
        if not isinstance(items, Mapping):
            raise Mismatch(shape.expected, value)
        return _build(cls, shape.expected, (), shape.read(items, strict))

    return convert_named_tuple


def _struct(cls: type, annotation: object, compile_one: Compile) -> Converter:
    expected = describe(annotation)
    nested: dict[object, Converter] = {}

    def restore(inner: object, value: object) -> object:
        if inner not in nested:
            nested[inner] = compile_one(inner)
        return nested[inner](value, False)

    def convert_struct(value: object, strict: bool) -> object:
        if isinstance(value, cls):
            return value
        try:
            return msgspec.convert(
                from_json(value, strict), annotation, strict=strict, dec_hook=restore, builtin_types=_NATIVE
            )
        except msgspec.ValidationError as error:
            raise _translate(expected, error) from error

    return convert_struct


def _translate(expected: str, error: msgspec.ValidationError) -> Mismatch:
    text, found = str(error), _PATH.search(str(error))
    path = _STEP.findall(found[1]) if found else ()
    steps = tuple(name or (int(index) if index.isdigit() else ...) for name, index in path)
    text = text[: found.start()] if found else text
    return Mismatch(expected, problem=text[:1].lower() + text[1:].replace("`", ""), path=steps)


def _model(cls: Any) -> Converter:
    def convert_model(value: object, strict: bool) -> object:
        if isinstance(value, cls):
            return value
        try:
            return cls.model_validate(from_json(value, strict), strict=False, by_name=True, by_alias=True)
        except ValueError as error:  # pydantic's ValidationError is one
            raise _translate_model(cls.__name__, error) from error

    return convert_model


def _translate_model(expected: str, error: Any) -> Mismatch:
    details = error.errors(include_url=False) if hasattr(error, "errors") else ()
    if not details:
        return Mismatch(expected, problem=str(error))
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return Mismatch(expected, problem=f"{details[0]['msg']}{more}", path=tuple(details[0]["loc"]))
