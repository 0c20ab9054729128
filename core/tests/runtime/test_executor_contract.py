"""The executors of core pass the executor contract."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from rota import ExecutorOptions, ProcessOptions
from rota.testing.contract_jobs import COROUTINES
from rota.testing.executor_contract import ExecutorContract


class TestThread(ExecutorContract):
    """A function in a thread."""

    executor = "thread"


class TestAsyncio(ExecutorContract):
    """A coroutine in the loop."""

    executor = "asyncio"
    jobs = COROUTINES


class TestProcess(ExecutorContract):
    """A function in a child."""

    executor = "process"
    hasty: ClassVar[ExecutorOptions] = ProcessOptions(cancel_grace=0.1)


class TestProcessCoroutine(TestProcess):
    """A coroutine in a child."""

    jobs: ClassVar[Mapping[str, Callable[..., Any]]] = COROUTINES
