"""How the arguments of a job are checked, converted, stored and named: worked out once, when it is registered."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from inspect import Parameter
from itertools import chain, count, repeat
from typing import Any, Final

from rota.engine.codec import decode, decode_arguments, encode_arguments, encode_result
from rota.engine.conversion.scalars import Converter
from rota.engine.convert import converter_of
from rota.engine.dependencies import holds_output
from rota.engine.mismatch import Mismatch, spot
from rota.engine.parameters import Parameters
from rota.engine.plain import NotData
from rota.engine.template import Template
from rota.model.errors import ArgumentError, ConfigError
from rota.model.records import ParameterRecord

__all__ = ["ArgumentPlan", "OpenPlan"]

_NEVER: Final = 1 << 30
_TEMPLATES: Final = 64  # a job has one or two; more come when callers write values into them


class ArgumentPlan:
    """The arguments of a job whose function is known here.

    Annotations are resolved at the first `bind`, so that names defined later in a module count.
    """

    def __init__(self, function: Callable[..., object], *, context_type: type | None = None, kind: str) -> None:
        """Read the signature. A first parameter annotated with `context_type` is the worker's to fill, and no part
        of what callers pass. ConfigError when one stands elsewhere, or when the function has no signature."""
        self.kind = kind
        self._parameters = found = Parameters.of(function, context_type, kind)
        self.takes_context = found.takes_context
        self.parameters: tuple[ParameterRecord, ...] = found.records()
        self.returns_text = found.returns_text
        needed = sum(parameter.default is Parameter.empty for parameter in found.positional)
        # How many positional arguments can make a call by themselves; none when a keyword is required.
        self._fewest = needed if needed == len(found.required) else _NEVER
        self._most = len(found.positional)
        self._template = lru_cache(_TEMPLATES)(Template.parse)

    @cached_property
    def returns(self) -> object:
        """The annotation of the result, resolved; Any for none, or for one that only type checkers know."""
        return self._parameters.result()

    def bind(self, args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[list[Any], dict[str, Any]]:
        """Check and convert arguments, each kept where the caller put it, defaults not filled in.

        Idempotent, also over the wire: binding the decoded arguments gives the same. A value with outputs in it that
        can't be converted stays as it is, until the outputs are known. ArgumentError when the arguments don't fit;
        ConfigError when an annotation can't be resolved.
        """
        if not kwargs and self._fewest <= len(args) <= self._most:
            try:
                return [convert(value, False) for convert, value in zip(self._positional, args, strict=False)], {}
            except Mismatch:
                pass  # the careful way names the argument
        self._parameters.check(args, kwargs)
        return [*self._convert_positional(args)], {name: self._convert_keyword(name, kwargs[name]) for name in kwargs}

    def encode(self, args: Sequence[object], kwargs: Mapping[str, object]) -> bytes:
        """The stored form of bound arguments; ArgumentError, naming the argument, when one is not data."""
        try:
            return encode_arguments(args, kwargs)
        except NotData as error:
            raise ArgumentError(self._explain(error)) from error

    def decode(self, data: bytes) -> tuple[list[Any], dict[str, Any]]:
        """Stored arguments as plain data, for `bind`; CorruptRecord when the bytes hold something else."""
        return decode_arguments(data)

    def encode_result(self, value: object) -> bytes:
        """The stored form of what the function returned; TypeError, saying what to do, when it is not data."""
        return encode_result(value)

    def decode_result(self, data: bytes) -> object:
        """A stored result, restored by the function's annotation; plain when there is none or it does not fit."""
        value = decode(data)
        try:
            return self._restore(value, True)
        except Mismatch:
            return value

    def named(self, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object]:
        """The arguments given, by name, for people to read; `*names` as a list under its own name."""
        values: dict[str, object] = dict(zip(self._names, args, strict=False))
        if len(args) > self._most:
            rest = self._parameters.rest
            values[rest.name if rest else "*"] = list(args[self._most :])
        values.update(kwargs)
        return values

    def template_values(self, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object]:
        """As `named`, with the defaults of those not given: what key templates refer to."""
        return {**self._defaults, **self.named(args, kwargs)}

    def check_template(self, template: str, what: str) -> Template:
        """Read a key template once; ConfigError when it is none or names no parameter. `what` opens the message."""
        parsed = self._template(template, what)
        known = {parameter.name for parameter in self._parameters.all}
        if (unknown := sorted(parsed.names - known)) and self._parameters.extra is None:
            raise ConfigError(
                f"{what} {template!r} names {unknown[0]!r}, which is none of its parameters; "
                f"they are {self._parameters}"
            )
        return parsed

    def render(self, template: str | Template, args: Sequence[object], kwargs: Mapping[str, object]) -> str:
        """The key that bound arguments make; ArgumentError when a value is missing or makes none."""
        parsed = self._template(template, "key") if isinstance(template, str) else template
        return parsed.render(self.template_values(args, kwargs))

    @cached_property
    def _by_name(self) -> dict[str, Converter]:
        return {parameter.name: self._compile(parameter) for parameter in self._parameters.all}

    @cached_property
    def _positional(self) -> tuple[Converter, ...]:
        return tuple(self._by_name[name] for name in self._names)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self._parameters.positional)

    @cached_property
    def _defaults(self) -> dict[str, object]:
        given = (parameter for parameter in self._parameters.all if parameter.default is not Parameter.empty)
        return {parameter.name: parameter.default for parameter in given}

    @cached_property
    def _restore(self) -> Converter:
        try:
            return converter_of(self.returns)
        except ConfigError:  # a class with fields that only type checkers know: the plain value is the answer
            return converter_of(Any)

    def _compile(self, parameter: Parameter) -> Converter:
        annotation = self._parameters.annotation(parameter)
        try:
            return converter_of(annotation)
        except ConfigError as error:
            raise ConfigError(f"{self._where(parameter.name)}: {error}") from error

    def _convert_positional(self, args: Sequence[object]) -> list[object]:
        rest = self._parameters.rest.name if self._parameters.rest else ""
        names = chain(self._names, repeat(rest))
        return [self._convert(name, name, value) for name, value in zip(names, args, strict=False)]

    def _convert_keyword(self, name: str, value: object) -> object:
        extra = self._parameters.extra
        return self._convert(extra.name if extra and name not in self._parameters.keyword else name, name, value)

    def _convert(self, parameter: str, shown: str, value: object) -> object:
        try:
            return self._by_name[parameter](value, False)
        except Mismatch as error:
            if holds_output(value):
                return value
            raise ArgumentError(f"{self._where(shown)}: {error}") from error

    def _explain(self, error: NotData) -> str:
        if len(error.path) < 2:
            return f'the arguments of "{self.kind}": {error}'
        side, step, *rest = error.path
        names = [*self._names] if side == 0 else []
        name = names[step] if isinstance(step, int) and step < len(names) else step
        return f"{self._where(str(name))}: {f'{spot(rest)}: ' if rest else ''}{error.problem}"

    def _where(self, name: str) -> str:
        return f'argument "{name}" of "{self.kind}"'


class OpenPlan:
    """The same for a job whose function is not known here: nothing is checked and nothing converted, the worker will.

    `parameters`, when a worker has published them, give positional arguments their names.
    """

    takes_context = False
    returns: object = Any
    returns_text = ""

    def __init__(self, kind: str, parameters: tuple[ParameterRecord, ...] = ()) -> None:
        self.kind = kind
        self.parameters = parameters
        self._names = tuple(p.name for p in parameters if p.form in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD"))

    def bind(self, args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments as they are."""
        return [*args], {**kwargs}

    def encode(self, args: Sequence[object], kwargs: Mapping[str, object]) -> bytes:
        """The stored form; ArgumentError when an argument is not data."""
        try:
            return encode_arguments(args, kwargs)
        except NotData as error:
            raise ArgumentError(f'the arguments of "{self.kind}": {error}') from error

    def decode(self, data: bytes) -> tuple[list[Any], dict[str, Any]]:
        """Stored arguments as plain data; CorruptRecord when the bytes hold something else."""
        return decode_arguments(data)

    def encode_result(self, value: object) -> bytes:
        """The stored form of what a job returned; TypeError, saying what to do, when it is not data."""
        return encode_result(value)

    def decode_result(self, data: bytes) -> object:
        """A stored result as plain data."""
        return decode(data)

    def named(self, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object]:
        """The arguments by name; those without one under their position: "0", "1" and so on."""
        names = chain(self._names, map(str, count(len(self._names))))
        return {**dict(zip(names, args, strict=False)), **kwargs}

    def template_values(self, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object]:
        """As `named`: no defaults are known."""
        return self.named(args, kwargs)

    def check_template(self, template: str, what: str) -> Template:
        """Read a key template; ConfigError when it is none. Its names can't be checked: "{0}" is a position."""
        return Template.parse(template, what)

    def render(self, template: str | Template, args: Sequence[object], kwargs: Mapping[str, object]) -> str:
        """The key that the arguments make; ArgumentError when a value is missing or makes none."""
        parsed = Template.parse(template, "key") if isinstance(template, str) else template
        return parsed.render(self.named(args, kwargs))
