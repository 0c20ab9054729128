"""Running a worker in the foreground, until a signal ends it."""

import logging
import signal
from threading import Event, Thread, current_thread, main_thread
from types import FrameType

from rota.manager.worker import Worker
from rota.model.errors import ConfigError

__all__ = ["run_until_signal"]

_log = logging.getLogger("rota.worker")


def run_until_signal(worker: Worker) -> int:
    """Run until SIGTERM or SIGINT, then stop with grace; a second signal ends the grace. The exit code: 0.

    Raises: ConfigError outside the main thread, where Python takes no signals; what `Worker.start` raises.
    """
    if current_thread() is not main_thread():
        raise ConfigError("run() takes signals, which only the main thread can; elsewhere use `with manager.worker():`")
    asked = Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            worker.hurry()
        asked.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        worker.start()
        _log.info("end it with SIGTERM or Ctrl-C")
        asked.wait()
        _log.info("stopping; a second signal ends the wait for running jobs")
        stopping = Thread(target=worker.stop, name="rota-stop")  # so that this thread is free for the second signal
        stopping.start()
        stopping.join()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0
