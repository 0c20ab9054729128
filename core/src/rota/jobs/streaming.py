"""A blocking iterator, awaited item by item, in a thread of its own: it may block for long, and the pool is small."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from threading import Thread
from typing import TypeVar

__all__ = ["streamed"]

T = TypeVar("T")


async def streamed(items: Iterator[T]) -> AsyncIterator[T]:
    """The items as they come, and what the iterator raises. The thread ends at the next item once the caller left."""
    import asyncio

    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[T | _End] = asyncio.Queue()
    left: list[bool] = []

    def put(one: T | _End) -> None:
        if not left and not loop.is_closed():
            loop.call_soon_threadsafe(arrived.put_nowait, one)

    def run() -> None:
        try:
            for item in items:
                put(item)
                if left:
                    return
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            put(_End(error))
        else:
            put(_End(None))

    Thread(target=run, name="rota-stream", daemon=True).start()
    try:
        while not isinstance(one := await arrived.get(), _End):
            yield one
        if one.error is not None:
            raise one.error
    finally:
        left.append(True)


class _End:
    """The iterator is through, or raised `error`."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
