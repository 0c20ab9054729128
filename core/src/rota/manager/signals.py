"""Running a worker in the foreground, until a signal ends it."""

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread, current_thread, main_thread
from typing import Final

from rota.manager.worker import Worker
from rota.model.errors import ConfigError

__all__ = ["run_until_signal"]

_log = logging.getLogger("rota.worker")

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_DONE: Final = 0  # the byte for a step that is over; no signal has that number
_HURRIED_S: Final = 5.0  # for what a second signal leaves to be done


def run_until_signal(worker: Worker, address: str, *, drain: bool = False) -> int:
    """Run until SIGTERM or SIGINT, then stop with grace; a second signal ends the grace. With `drain` it stops by
    itself, too, once nothing is due or running. `address` says in the log which store it works on.

    The exit code: 0, or 1 when the second signal left a start or a stop that hangs, in a lifespan for one.
    Raises: ConfigError outside the main thread, where Python takes no signals; what `Worker.start` raises, and
    `Worker.drain`.
    """
    if current_thread() is not main_thread():
        raise ConfigError("run() takes signals, which only the main thread can; elsewhere use `with manager.worker():`")
    with _listening() as news:
        _log.info("starting a worker on %s", address)
        starting = _Step("start", worker.start, news)
        asked = 0
        while news.next() != _DONE:
            asked += 1
            if asked > 1:
                worker.hurry()
                _log.warning("the start is given up: a second signal came before it was done")
                return 1
        starting.check()
        draining = _Step("drain", worker.drain, news) if drain and not asked else None
        if not asked:
            _log.info("end it with SIGTERM or Ctrl-C%s", "; it ends once nothing is due or running" if drain else "")
            news.next()
        drained = draining is not None and draining.over
        _log.info("stopping; a second signal ends the wait for running jobs")
        code = _stop(worker, news)
        if draining is not None and drained:
            draining.check()
        return code


class _News:
    """Signals and steps that are over, in the order they came, as bytes of one socket.

    The interpreter itself writes a signal's number into it, in whichever thread the kernel delivers the signal. A
    main thread that waits on a lock instead would miss one of two signals that come close together.
    """

    def __init__(self, reader: socket.socket, writer: socket.socket) -> None:
        self._reader = reader
        self._writer = writer

    def next(self, timeout_s: float | None = None) -> int:
        """The number of the next signal, or `_DONE`. Raises TimeoutError."""
        self._reader.settimeout(timeout_s)
        while (number := self._reader.recv(1)[0]) not in (*_SIGNALS, _DONE):
            pass  # a signal that somebody else handles
        return number

    def say_done(self) -> None:
        """A step is over; nobody listens any more to one that was left."""
        with suppress(OSError):
            self._writer.send(bytes([_DONE]))


@contextmanager
def _listening() -> Iterator[_News]:
    reader, writer = socket.socketpair()
    writer.setblocking(False)  # as the interpreter asks of it
    wakeup_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    try:
        yield _News(reader, writer)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup_before)
        reader.close()
        writer.close()


class _Step:
    """Work in a thread of its own, so that the main one hears signals, and which can be left when it hangs."""

    def __init__(self, name: str, work: Callable[[], object], news: _News) -> None:
        self._work = work
        self._news = news
        self._error: BaseException | None = None
        self.over = False  # True before the byte that says so
        self._thread = Thread(target=self._run, name=f"rota-{name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - `check` raises it in the main thread
            self._error = error
        self.over = True
        self._news.say_done()

    def check(self) -> None:
        """Raise what the work raised; it is over."""
        self._thread.join()
        if self._error is not None:
            raise self._error


def _stop(worker: Worker, news: _News) -> int:
    """Stop, and hurry at a signal; the exit code."""
    stopping, timeout_s = _Step("stop", worker.stop, news), None
    try:
        while not stopping.over:
            if news.next(timeout_s) != _DONE:  # that of a drain may come now, too
                worker.hurry()
                timeout_s = _HURRIED_S
    except TimeoutError:
        _log.warning("leaving what still hangs after %g s", _HURRIED_S)
        return 1
    stopping.check()
    return 0
