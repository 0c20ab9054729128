"""What bounds the life of a child: the end of its worker, and how much memory it may take."""

import fcntl
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

__all__ = ["die_with", "resident_bytes"]

_STATM = Path("/proc/self/statm")  # Linux


def die_with(lives: Connection) -> None:
    """Let the kernel kill this process when the other end of a pipe is closed, as the end of the worker does: also
    while native code keeps every thread here from running. Where there is no such signal, a thread has to notice."""
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lives.fileno(), fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lives.fileno(), fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(lives.fileno(), fcntl.F_GETFL)
        fcntl.fcntl(lives.fileno(), fcntl.F_SETFL, flags | os.O_ASYNC)


def resident_bytes() -> int:
    """The memory that this process has now; where the system does not tell, the most that it ever had."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
