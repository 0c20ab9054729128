"""How a process ended, in words."""

import signal
from typing import Final

__all__ = ["death"]

_MEANS: Final = {
    "SIGKILL": "by hand, or by the kernel when memory ran out",
    "SIGSEGV": "it touched memory that is not its own, in native code",
    "SIGABRT": "native code gave up",
    "SIGBUS": "it touched memory that is not there, in native code",
}


def death(exit_code: int | None) -> str:
    """A sentence on an exit code as `multiprocessing` gives it: below zero, a signal; None while it still runs."""
    if exit_code is None:
        return "the child process closed its pipe, and did not end: it was killed"
    if exit_code >= 0:
        return f"the child process exited with code {exit_code} in the middle of the job"
    name = _name(-exit_code)
    means = f": {_MEANS[name]}" if name in _MEANS else ""
    return f"the child process was killed by signal {-exit_code} ({name}){means}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "without a name"
