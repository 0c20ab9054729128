"""Bounds that an annotation adds: `Annotated[int, msgspec.Meta(ge=0)]`."""

from typing import Annotated, Any, Final, get_args, get_origin

import msgspec

from rota.engine.conversion.containers import CONTAINERS, Compile
from rota.engine.conversion.scalars import SCALARS, Converter
from rota.engine.mismatch import Mismatch, describe
from rota.model.errors import ConfigError

__all__ = ["bounded_converter"]

_NOT_TEXT: Final = (bytes, bytearray)


def bounded_converter(annotation: Any, compile_one: Compile) -> Converter:
    """The converter of what is annotated, with the bounds of `msgspec.Meta` if there are any; other notes are free."""
    base = get_args(annotation)[0]
    converter = compile_one(base)
    notes = [note for note in annotation.__metadata__ if isinstance(note, msgspec.Meta)]
    if not notes:
        return converter
    bounded = _bounded(annotation, base, notes)

    def convert_bounded(value: object, strict: bool) -> object:
        made = converter(value, strict)
        try:
            msgspec.convert(made, bounded, builtin_types=_NOT_TEXT)
        except msgspec.ValidationError as error:
            text = str(error).replace("`", "").removeprefix("Expected ")
            raise Mismatch(text, made) from error
        return made

    return convert_bounded


def _bounded(annotation: object, base: object, notes: list[msgspec.Meta]) -> object:
    origin = get_origin(base) or base
    shape = CONTAINERS.get(origin, base)  # the bounds are those of the container: its items are checked already
    if base not in SCALARS and origin not in CONTAINERS:
        raise ConfigError(f"msgspec.Meta bounds a number, text, bytes or a container, not {describe(annotation)}")
    bounded: Any = shape
    for note in notes:
        bounded = Annotated[bounded, note]
    try:
        msgspec.msgpack.Decoder(bounded)
    except TypeError as error:
        raise ConfigError(f"the bounds of {describe(annotation)} can't hold: {error}") from error
    return bounded
