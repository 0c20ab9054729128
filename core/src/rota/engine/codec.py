"""Bytes of plain data: arguments travel as msgpack of `[args, kwargs]`, results as msgpack of the value."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from rota.engine.convert import converter_of
from rota.engine.mismatch import Mismatch, shorten
from rota.engine.output import from_reference
from rota.engine.plain import ATOMS, NotData, plain
from rota.model.errors import CorruptRecord

__all__ = ["decode", "decode_arguments", "decode_result", "encode", "encode_arguments", "encode_result"]

_ENCODE: Final = msgspec.msgpack.Encoder().encode
_DECODE: Final = msgspec.msgpack.Decoder(ext_hook=from_reference).decode
_DECODE_ARGUMENTS: Final = msgspec.msgpack.Decoder(tuple[list[Any], dict[str, Any]], ext_hook=from_reference).decode

#: What junk makes the decoder raise: no msgpack, text that is no UTF-8, keys that can't be, depth without end.
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)


def encode(value: object) -> bytes:
    """Bytes of data. TypeError, naming the spot and the type, for what is not data; nothing is changed silently."""
    try:
        return _ENCODE(value if type(value) in ATOMS else plain(value))
    except (OverflowError, UnicodeEncodeError) as error:
        raise _locate(plain(value), error) from error
    except RecursionError as error:
        raise NotData(f"a {type(value).__name__} that contains itself, or is nested too deeply") from error


def decode(data: bytes) -> object:
    """The plain data in bytes; CorruptRecord when they are no msgpack."""
    try:
        return _DECODE(data)
    except _UNREADABLE as error:
        raise _corrupt("data", data, error) from error


def encode_arguments(args: Sequence[object], kwargs: Mapping[str, object]) -> bytes:
    """Bytes of `[args, kwargs]`; TypeError as in `encode`."""
    if not kwargs and ATOMS.issuperset(map(type, args)):
        try:
            return _ENCODE((args, kwargs))
        except (OverflowError, UnicodeEncodeError):
            pass  # encode finds the spot
    return encode([args, kwargs])


def decode_arguments(data: bytes) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments as plain data; CorruptRecord when the bytes hold something else."""
    try:
        return _DECODE_ARGUMENTS(data)
    except _UNREADABLE as error:
        raise _corrupt("arguments", data, error) from error


def _corrupt(what: str, data: bytes, error: Exception) -> CorruptRecord:
    return CorruptRecord(f"stored {what} of {len(data)} bytes can't be decoded: {error}")


def encode_result(value: object) -> bytes:
    """Bytes of what a job returned; TypeError, saying what to do, when it is not data."""
    try:
        return encode(value)
    except TypeError as error:
        raise TypeError(f"the job's result can't be stored: {error}") from error


def decode_result(data: bytes, annotation: object) -> object:
    """What a job returned, restored by its annotation; the plain value when it does not fit (the annotation lied)."""
    value = decode(data)
    if type(value) is annotation:
        return value
    try:
        return converter_of(annotation)(value, True)
    except Mismatch:
        return value


def _locate(value: object, cause: Exception) -> NotData:
    """Find what msgpack refused in plain data: an integer over 64 bits, or a lone surrogate."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in pairs:
        for part in (step, item):
            try:
                _ENCODE(part)
            except (OverflowError, UnicodeEncodeError):
                found = _locate(part, cause)
                return found.inside(step) if part is item else found
    if isinstance(cause, OverflowError):
        return NotData(f"{shorten(value)} needs more than 64 bits; pass it as text or Decimal")
    return NotData(f"{shorten(value)} holds a lone surrogate, which UTF-8 can't; pass the bytes")
