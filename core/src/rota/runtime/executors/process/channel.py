"""Messages over a pipe between worker and child: each one write, and as a rule one read."""

import os
from multiprocessing.connection import Connection
from typing import Final

__all__ = ["Channel", "Unreadable"]

_HEADER: Final = 4  # bytes: the length of what follows, the highest first
_MAX_BYTES: Final = 1 << 29  # printed text in the place of a length is over it
_READ_BYTES: Final = 1 << 16


class Unreadable(Exception):
    """What came is no message: something else was written to the pipe."""


class Channel:
    """One end of a pipe. One thread reads; those that write take turns."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._fd = connection.fileno()
        self._rest = b""

    def send(self, message: bytes) -> None:
        """Write a message. Raises OSError when the other end is gone."""
        data = len(message).to_bytes(_HEADER, "big") + message
        sent = os.write(self._fd, data)
        if sent < len(data):
            left = memoryview(data)[sent:]
            while left:
                left = left[os.write(self._fd, left) :]

    def receive(self) -> bytes:
        """The next message. Raises EOFError when the other end is gone, Unreadable for what is none."""
        data = self._rest or self._read(_READ_BYTES)
        while len(data) < _HEADER:
            data += self._read(_READ_BYTES)
        end = _HEADER + int.from_bytes(data[:_HEADER], "big")
        if end > _MAX_BYTES:
            raise Unreadable(f"{end - _HEADER:,} bytes were announced")
        if len(data) < end:
            data = self._complete(data, end)
        self._rest = data[end:]
        return data[_HEADER:end]

    def _complete(self, data: bytes, end: int) -> bytes:
        parts, size = [data], len(data)
        while size < end:
            part = self._read(max(_READ_BYTES, end - size))
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    def _read(self, size: int) -> bytes:
        try:
            data = os.read(self._fd, size)
        except ConnectionResetError as error:  # it left something unread
            raise EOFError from error
        if not data:
            raise EOFError
        return data

    def close(self) -> None:
        """Close this end; whoever uses it afterwards meets an OSError."""
        self._fd = -1
        self._connection.close()
