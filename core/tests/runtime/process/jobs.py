"""Jobs that children import by name; what they run in and a test speak through files."""

import asyncio
import ctypes
import logging
import os
import resource
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import rota
from rota.testing import wait_until

jobs = rota.Jobs()

process = rota.ProcessOptions()


@jobs.job(executor=process)
def pid() -> int:
    """In which process it ran."""
    return os.getpid()


@jobs.job(executor="process")
async def async_pid() -> int:
    """The same, awaited."""
    await asyncio.sleep(0)
    return os.getpid()


@jobs.job(executor=process)
def held(folder: str) -> int:
    """Say which process it is, and wait for `go`."""
    Path(folder, f"pid-{os.getpid()}").touch()
    wait_until(lambda: Path(folder, "go").exists(), 60, "the test lets it go")
    return os.getpid()


@jobs.job(executor=process)
def exits(code: int) -> None:
    """End the process."""
    os._exit(code)


@jobs.job(executor=process)
def exits_once(folder: str) -> str:
    """End the process the first time."""
    marker = Path(folder, "crashed")
    if not marker.exists():
        marker.touch()
        os._exit(3)
    return "done"


@jobs.job(executor=process, max_crashes=1)
def signals_itself(number: int) -> None:
    """Die of a signal."""
    os.kill(os.getpid(), number)
    signal.pause()


@jobs.job(executor=process, max_crashes=0)
def segfaults() -> None:
    """Read what is not there."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(0)


@jobs.job(executor=process)
def forks(how: str) -> int:
    """Go on twice: here, and in a copy of this process, which returns or raises like this one."""
    copy = os.fork()
    if copy == 0:
        logging.getLogger("copy").warning("a line of the copy")
        if how == "exits":
            sys.exit(3)
        return -1
    os.waitpid(copy, 0)
    return 1


@jobs.job(executor=rota.ProcessOptions(max_jobs=1))
def eats_memory() -> int:
    """Ask for more memory than it may have."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
    return len(bytearray(1 << 34))


@jobs.job(executor=process, max_crashes=0)
def writes_to_the_pipe(data: bytes) -> None:
    """Write what is no message wherever a socket is open."""
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                os.write(number, data)
        except OSError:
            continue
    wait_until(lambda: False, 60, "it is killed")


@jobs.job(executor=process, max_crashes=0)
def closes_everything() -> None:
    """What programs do that make daemons of themselves."""
    os.closerange(3, 256)
    wait_until(lambda: False, 60, "it is killed")


class Answer:
    """A resource."""

    def __init__(self, value: int) -> None:
        self.value = value


@contextmanager
def lifespan() -> Iterator[list[object]]:
    """Yield something, and leave a mark in the end where a job asked for it."""
    folders: list[str] = []
    yield [Answer(os.getpid()), folders]
    for folder in folders:
        Path(folder, f"left-{os.getpid()}").touch()


@jobs.job(executor=process)
def asks_for_a_mark(ctx: rota.Context, folder: str) -> int:
    """Have the lifespan leave a mark in the end."""
    ctx.resource(list).append(folder)
    return os.getpid()


@asynccontextmanager
async def async_lifespan():  # type: ignore[no-untyped-def]
    """Yield the loop that it runs in."""
    yield [asyncio.get_running_loop()]


@contextmanager
def broken_lifespan() -> Iterator[None]:
    """Enter in the worker alone."""
    import multiprocessing

    if multiprocessing.parent_process() is not None:
        raise OSError("no database here")
    yield


@jobs.job(executor=process)
def asks_resource(ctx: rota.Context) -> int:
    """What the lifespan yielded."""
    return ctx.resource(Answer).value


@jobs.job(executor=process)
async def shares_loop(ctx: rota.Context) -> bool:
    """Whether it runs in the loop of the lifespan."""
    return ctx.resource(asyncio.AbstractEventLoop) is asyncio.get_running_loop()


@jobs.job(executor=process, timeout=3600, retry=1)
def tells(ctx: rota.Context, number: int, text: str = "x") -> dict[str, object]:
    """What the context says."""
    return {
        "kind": ctx.instance.kind,
        "id": str(ctx.instance.id),
        "arguments": dict(ctx.instance.arguments),
        "attempt": ctx.attempt,
        "token": ctx.token,
        "worker": ctx.worker,
        "key": ctx.idempotency_key,
        "deadline": ctx.deadline,
        "requested": ctx.cancel_requested,
        "current": rota.Context.current().instance.id == ctx.instance.id,
    }


@jobs.job(executor=process)
def tells_why(ctx: rota.Context, folder: str) -> None:
    """Write down why it was asked to end."""
    Path(folder, f"pid-{os.getpid()}").touch()
    try:
        ctx.wait(60)
    except rota.JobCanceled as error:
        Path(folder, "why").write_text(str(error))
        raise


class Special(LookupError):
    """An error of its own."""


@jobs.job(executor=process, retry=rota.Retry(1, backoff=0, on=(LookupError,), never_on=(KeyError,)))
def raises(name: str) -> None:
    """Raise one of several."""
    raise {"Special": Special, "KeyError": KeyError, "ValueError": ValueError}[name](name)


@jobs.job(executor=process)
def returns_no_data() -> object:
    """Return what can't be stored."""
    return object()


@jobs.job(executor=process)
def returns_too_much() -> bytes:
    """Return more than a store keeps."""
    return bytes(20 << 20)


def moved() -> None:
    """Not what its name leads to any more."""


moved_job = jobs.job(kind="moved", executor=process)(moved)
moved = None  # type: ignore[assignment]
