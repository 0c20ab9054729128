"""Conversion by annotation: what a human or a wire says, to what a function asks for.

The rules, in `scalars`, `choices`, `containers` and `classes`, hold at every depth. A union prefers a member that the
value is an instance of, then the one whose stored form it has, then what text can be read as, in the order written.
"""

from collections.abc import Callable
from enum import Enum
from pathlib import PurePath
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    ForwardRef,
    Literal,
    NewType,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
)  # fmt: skip

import typing_extensions

from rota.engine.conversion.bounds import bounded_converter
from rota.engine.conversion.choices import enum_converter, literal_converter
from rota.engine.conversion.classes import class_converter
from rota.engine.conversion.containers import CONTAINERS, container_converter
from rota.engine.conversion.scalars import SCALARS, Converter, path_converter
from rota.engine.mismatch import Mismatch, describe
from rota.engine.plain import ATOMS, NotData, plain
from rota.model.errors import ArgumentError, ConfigError

__all__ = ["convert", "converter_of"]

_QUALIFIERS: Final = (Required, NotRequired, Final, ClassVar, typing_extensions.ReadOnly)


def convert(value: object, annotation: object, *, where: str) -> object:
    """The value as the annotation asks; ArgumentError that opens with `where` when it can't be without loss.

    Compiles the annotation anew: for a single value. Keep the answer of `converter_of` for many.
    """
    try:
        return converter_of(annotation)(value, False)
    except Mismatch as error:
        raise ArgumentError(f"{where}: {error}") from error


def converter_of(annotation: object) -> Converter:
    """The converter of an annotation, for keeping: `(value, strict) -> value`, or Mismatch.

    Strict takes an instance or the stored form only; not strict also takes text, numbers and JSON that mean the same.
    ConfigError when an annotation inside can't be resolved.
    """
    compiler = _Compiler()
    converter = compiler.compile(annotation)
    return _surviving(converter, describe(annotation)) if compiler.ambiguous and not compiler.untyped else converter


def _surviving(converter: Converter, expected: str) -> Converter:
    """Refuse values that a union of members with the same stored form would give back as another member."""

    def convert_surviving(value: object, strict: bool) -> object:
        made = converter(value, strict)
        if type(made) in ATOMS:
            return made
        try:
            stored = plain(made)
        except NotData:
            return made  # encoding says what is wrong with it
        if not _same(restored := converter(stored, True), made):
            problem = f"{made!r:.100} would reach the job as {restored!r:.100}, since both are stored alike"
            raise Mismatch(expected, problem=f"{problem}; narrow the annotation or pass the latter")
        return made

    return convert_surviving


def _same(left: object, right: object) -> bool:
    # The repr decides where a NaN inside makes equals unequal.
    return left == right or (type(left) is type(right) and repr(left) == repr(right))


def _unchanged(value: object, strict: bool) -> object:
    return value


class _Compiler:
    """Makes the converter of one annotation, and notes what was met on the way."""

    def __init__(self) -> None:
        self.ambiguous = False
        self.untyped = False
        self._begun: dict[object, Converter | None] = {}

    def compile(self, annotation: Any) -> Converter:
        """The converter of an annotation at any depth."""
        if annotation in (Any, object) or isinstance(annotation, (TypeVar, ForwardRef)):
            # A ForwardRef left after resolving stands for the recursion of an alias.
            self.untyped = True
            return _unchanged
        if isinstance(annotation, str):
            raise ConfigError(f"the annotation {annotation!r} can't be resolved; import the name at run time")
        if (converter := _scalar(annotation)) is not None:
            return converter
        if (inner := _unwrap(annotation)) is not annotation:
            return self._once(annotation, lambda _annotation, compile_one: compile_one(inner))
        return self._compile_generic(annotation, get_origin(annotation))

    def _compile_generic(self, annotation: Any, origin: Any) -> Converter:
        if origin is Annotated:
            return bounded_converter(annotation, self.compile)
        if origin in (Union, UnionType):
            return self._union(annotation)
        if origin is Literal:
            return literal_converter(get_args(annotation))
        if (origin or annotation) in CONTAINERS:
            return container_converter(annotation, self.compile)
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return enum_converter(annotation)
        if isinstance(annotation, type) and issubclass(annotation, PurePath):
            return path_converter(annotation)
        return self._once(annotation, class_converter)

    def _once(self, annotation: Any, build: Callable[[object, Callable[[object], Converter]], Converter]) -> Converter:
        """A class may hold itself: the inner ones refer to the outer converter, which is complete when first called."""
        if annotation in self._begun:
            return self._begun[annotation] or (lambda value, strict: self._finished(annotation)(value, strict))
        self._begun[annotation] = None
        converter = build(annotation, self.compile)
        self._begun[annotation] = converter
        return converter

    def _finished(self, annotation: object) -> Converter:
        if (converter := self._begun[annotation]) is None:
            raise ConfigError(f"the annotation {describe(annotation)} stands for nothing but itself")
        return converter

    def _union(self, annotation: Any) -> Converter:
        members = get_args(annotation)
        converters = [self.compile(member) for member in members]
        exact = ATOMS.intersection(members)
        self.ambiguous |= len([*filter(_is_something, members)]) > 1 and not exact.issuperset(members)
        expected = describe(annotation)

        def convert_union(value: object, strict: bool) -> object:
            if type(value) in exact:
                return value
            failure = Mismatch(expected, value)
            for leniency in (True,) if strict else (True, False):
                for converter in converters:
                    try:
                        return converter(value, leniency)
                    except Mismatch as error:  # the member that went deepest is the one that was meant
                        failure = error if len(error.path) > len(failure.path) else failure
            raise failure

        return convert_union


def _is_something(member: object) -> bool:
    return member is not None and member is not NoneType


def _scalar(annotation: object) -> Converter | None:
    try:
        return SCALARS.get(annotation)
    except TypeError:  # an unhashable annotation, such as Annotated with a list
        return None


def _unwrap(annotation: Any) -> Any:
    """What stands behind a NewType, a type alias or a qualifier; the annotation itself when there is none."""
    if isinstance(annotation, NewType):
        return annotation.__supertype__
    if type(annotation).__name__ == "TypeAliasType":
        return annotation.__value__
    if get_origin(annotation) in _QUALIFIERS:
        return get_args(annotation)[0]
    return annotation
