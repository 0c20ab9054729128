"""A blocking iterator, awaited item by item, in a thread of its own: it may block for long, and the pool is small."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from threading import Semaphore, Thread
from typing import TypeVar

__all__ = ["streamed"]

T = TypeVar("T")


async def streamed(items: Iterator[T], ahead: int = 1_000) -> AsyncGenerator[T]:
    """The items as they come, and what the iterator raises. With `ahead` of them not taken yet the iterator waits.
    The thread ends at the next item once the caller left."""
    import asyncio

    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[T | _End] = asyncio.Queue()
    room = Semaphore(ahead)
    left: list[bool] = []

    def put(one: T | _End) -> None:
        room.acquire()
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
            room.release()
            yield one
        if one.error is not None:
            raise one.error
    finally:
        left.append(True)
        room.release()


class _End:
    """The iterator is through, or raised `error`."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
