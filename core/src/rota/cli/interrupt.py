"""Waiting that Ctrl-C ends."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Final, TypeVar

__all__ = ["interruptible"]

T = TypeVar("T")

_LOOK_S: Final = 0.25  # a signal that comes just before a wait begins is met when that ends


def interruptible(work: Callable[[], T]) -> T:
    """Do work that may take for ever, in a thread of its own, which is left where it is when Ctrl-C raises
    KeyboardInterrupt here. Raised in the midst of a step of the store it could leave a lock held, and whoever closes
    the store would wait for that without end."""
    result: list[T] = []
    raised: list[BaseException] = []
    over = Event()

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            raised.append(error)
        over.set()

    Thread(target=run, name="rota-command", daemon=True).start()
    while not over.wait(_LOOK_S):
        pass
    if raised:
        raise raised[0]
    return result[0]
