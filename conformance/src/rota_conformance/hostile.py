"""Text and bytes that a careless store breaks: in its keys, its scripts, its patterns, its encodings."""

import random
from typing import Final

__all__ = ["PAYLOADS", "TEXTS", "huge_text", "payload_of"]

#: Each selects itself only, and comes back as it was given.
TEXTS: Final = (
    "a",
    "A",  # another one than "a"
    "a ",
    " a",
    "a\0",
    "\0",
    "a\0b",
    "*",
    "a*",
    "[a-z]",
    "?",
    "%",
    "_",
    "a%",
    "a/b",
    "a:b",
    "a:b:c",
    "{a}",
    "{a}:b",
    "..",
    "../a",
    "'; DROP TABLE instances; --",
    '"',
    "\\",
    "\\0",
    "return redis.call('FLUSHALL')",
    "]] error() --[[",
    "$(reboot)",
    "a\nb",
    "a\r\nb",
    "\t",
    "None",
    "null",
    "0",
    "-1",
    "1e3",
    "true",
    "é",
    "e\u0301",  # looks the same and is another text
    "ß",
    "ss",
    "日本語",
    "🙂",
    "\u202eabc",
    "\ufeffa",
    "\uffff",
    "\U0010ffff",
    "x" * 300,
)

#: Payloads of every kind of content; what they mean is nobody's business but the caller's.
PAYLOADS: Final = (
    b"",
    b"\0",
    b"[]",
    b"\0" * 100,
    bytes(range(256)),
    bytes(range(255, -1, -1)) * 3,
    b"\xff\xfe\xfd",
    b"\xc3\x28",  # no UTF-8
    b"\r\n\r\n$5\r\nhello\r\n",
    b"*3\r\n$3\r\nSET\r\n",
    "é日本🙂".encode(),
    b"\xc4\x04name",  # msgpack
    b"'; DROP TABLE instances; --",
    b"null",
    b" ",
)


def payload_of(size_bytes: int, seed: int = 0) -> bytes:
    """So many bytes that no store can guess or compress."""
    return random.Random(seed).randbytes(size_bytes)


def huge_text(characters: int = 1_000_000) -> str:
    """A text of a megabyte, of one-byte and of longer characters."""
    return ("ab*é" * (characters // 5 + 1))[: characters * 4 // 5]
