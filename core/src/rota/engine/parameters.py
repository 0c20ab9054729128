"""What a function takes: its parameters without the context, and their annotations, resolved when first needed."""

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace, UnionType
from typing import Annotated, Any, Final, ForwardRef, NoReturn, Union, get_args, get_origin, get_type_hints

from rota.engine.mismatch import describe, shorten
from rota.model.errors import ArgumentError, ConfigError
from rota.model.records import ParameterRecord

__all__ = ["Parameters"]

_EMPTY: Final = inspect.Parameter.empty
#: What evaluating an annotation raises: a name not there yet, an attribute, `int | "Text"`, text that is no Python.
_UNRESOLVED: Final = (NameError, AttributeError, TypeError, SyntaxError, LookupError, ValueError)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The caller's view of a signature. `positional` are those that a position can fill, in order."""

    kind: str
    takes_context: bool
    all: tuple[inspect.Parameter, ...]
    positional: tuple[inspect.Parameter, ...]
    keyword: Mapping[str, inspect.Parameter]
    rest: inspect.Parameter | None
    extra: inspect.Parameter | None
    required: tuple[str, ...]
    returned: object
    namespace: Mapping[str, object]

    @classmethod
    def of(cls, function: Callable[..., object], context_type: type | None, kind: str) -> "Parameters":
        """Read a signature. ConfigError when there is none, or when a context stands anywhere but first."""
        signature, namespace = _signature(function, kind), _namespace(function)
        found = list(signature.parameters.values())
        takes_context = bool(found) and _is_context(found[0], context_type, namespace)
        found = found[takes_context:]
        for parameter in found:
            _refuse_context(parameter, context_type, namespace, kind)
        P = inspect.Parameter  # noqa: N806
        return cls(
            kind=kind,
            takes_context=takes_context,
            all=tuple(found),
            positional=tuple(p for p in found if p.kind in (P.POSITIONAL_ONLY, P.POSITIONAL_OR_KEYWORD)),
            keyword={p.name: p for p in found if p.kind in (P.POSITIONAL_OR_KEYWORD, P.KEYWORD_ONLY)},
            rest=next((p for p in found if p.kind is P.VAR_POSITIONAL), None),
            extra=next((p for p in found if p.kind is P.VAR_KEYWORD), None),
            required=tuple(p.name for p in found if _is_required(p)),
            returned=signature.return_annotation,
            namespace=namespace,
        )

    def annotation(self, parameter: inspect.Parameter) -> object:
        """The annotation, resolved (Any for none). ConfigError when a name in it is not known at run time."""
        try:
            return _resolve(parameter.annotation, self.namespace)
        except _UNRESOLVED as error:
            raise ConfigError(
                f'the annotation {_text(parameter.annotation)!r} of argument "{parameter.name}" of "{self.kind}" '
                f"can't be resolved ({error}), so its values can't be restored; "
                f"import the name at run time, not only under TYPE_CHECKING"
            ) from error

    def check(self, args: Sequence[object], kwargs: Mapping[str, object]) -> None:
        """ArgumentError for too many, unknown, doubled and missing arguments."""
        if len(args) > len(self.positional) and self.rest is None:
            self._refuse(f"takes {len(self.positional)} positional arguments, got {len(args)}")
        placed = [parameter.name for parameter in self.positional[: len(args)]]
        for name in kwargs:
            if name in self.keyword and name in placed:
                self._refuse(f"got argument {name!r} twice, by position and by name")
            if name not in self.keyword and self.extra is None:
                self._refuse(f"got unexpected argument {name!r}")
        missing = [name for name in self.required if name not in placed and name not in kwargs]
        if missing:
            self._refuse(f"is missing argument{'s' if len(missing) > 1 else ''} {', '.join(map(repr, missing))}")

    def _refuse(self, problem: str) -> NoReturn:
        raise ArgumentError(f"{self.kind}() {problem}; parameters are {self}")

    def result(self) -> object:
        """The annotation of the result, resolved; Any for none, and for one known to type checkers only."""
        try:
            return _resolve(self.returned, self.namespace)
        except _UNRESOLVED:  # nothing is lost but the restoring: the plain value is the answer then
            return Any

    @property
    def returns_text(self) -> str:
        """The annotation of the result as text; empty for none."""
        return _text(self.returned)

    def records(self) -> tuple[ParameterRecord, ...]:
        """What is published of them."""
        return tuple(_record(parameter) for parameter in self.all)

    def __str__(self) -> str:
        return f"({', '.join(_written(parameter) for parameter in self.all)})"


def _signature(function: Callable[..., object], kind: str) -> inspect.Signature:
    try:
        if sys.version_info >= (3, 14):
            from annotationlib import Format

            return inspect.signature(function, annotation_format=Format.FORWARDREF)
        return inspect.signature(function)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f'the function of "{kind}" has no signature to read ({error}); wrap it in a def that names its parameters'
        ) from error


def _namespace(function: Callable[..., object]) -> Mapping[str, object]:
    """The names that annotations of a function mean, where it was written."""
    target: Any = inspect.unwrap(function)
    while isinstance(target, functools.partial):
        target = inspect.unwrap(target.func)
    if not hasattr(target, "__globals__"):
        target = inspect.unwrap(getattr(target, "__init__" if isinstance(target, type) else "__call__"))
    return getattr(target, "__globals__", {})


def _resolve(annotation: object, namespace: Mapping[str, object]) -> object:
    if annotation is _EMPTY:
        return Any
    if type(annotation) is type:
        return annotation
    holder = SimpleNamespace(__annotations__={"it": annotation})
    return get_type_hints(holder, globalns=dict(namespace), include_extras=True)["it"]


def _is_context(parameter: inspect.Parameter, context_type: type | None, namespace: Mapping[str, object]) -> bool:
    if context_type is None or parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
        return False
    found = _try_resolve(parameter.annotation, context_type, namespace)
    return (get_args(found)[0] if get_origin(found) is Annotated else found) is context_type


def _try_resolve(annotation: object, context_type: type, namespace: Mapping[str, object]) -> object:
    """Resolve; text that can't be yet means the context when it reads like it, as under TYPE_CHECKING."""
    if not isinstance(annotation, (str, ForwardRef)):
        return annotation
    try:
        return _resolve(annotation, namespace)
    except _UNRESOLVED:  # the first bind tells
        text = _text(annotation).strip("'\" ")
        return context_type if text in (context_type.__name__, f"rota.{context_type.__name__}") else annotation


def _refuse_context(
    parameter: inspect.Parameter, context_type: type | None, namespace: Mapping[str, object], kind: str
) -> None:
    if context_type is None:
        return
    found = _try_resolve(parameter.annotation, context_type, namespace)
    members = get_args(found) if get_origin(found) in (Union, UnionType, Annotated) else (found,)
    if context_type in members:
        name = context_type.__name__
        raise ConfigError(
            f'parameter "{parameter.name}" of "{kind}" asks for a {name}, which is given only as the first parameter, '
            f"annotated plainly: def {kind.rpartition('.')[2]}({parameter.name}: {name}, ...)"
        )


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is _EMPTY and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def _text(annotation: object) -> str:
    if annotation is _EMPTY:
        return ""
    return annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else describe(annotation)


def _record(parameter: inspect.Parameter) -> ParameterRecord:
    return ParameterRecord(
        name=parameter.name,
        annotation=_text(parameter.annotation),
        required=_is_required(parameter),
        default="" if parameter.default is _EMPTY else shorten(parameter.default),
        form=parameter.kind.name,
    )


def _written(parameter: inspect.Parameter) -> str:
    record = _record(parameter)
    stars = "*" * (parameter.kind is parameter.VAR_POSITIONAL) + "**" * (parameter.kind is parameter.VAR_KEYWORD)
    annotation = f": {record.annotation}" if record.annotation else ""
    equals = " = " if annotation else "="
    return f"{stars}{parameter.name}{annotation}{equals + record.default if record.default else ''}"
