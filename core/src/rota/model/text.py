"""Text that every store can keep."""

from typing import Final

__all__ = ["MAX_MESSAGE", "storable"]

MAX_MESSAGE: Final = 100_000  #: characters of one message or traceback


def storable(text: str) -> str:
    """The text with lone surrogates written out, its middle left out beyond `MAX_MESSAGE` characters."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) <= MAX_MESSAGE:
        return text
    half = MAX_MESSAGE // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
