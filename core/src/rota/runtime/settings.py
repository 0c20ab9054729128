"""How a worker runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rota.client.connection import Connection
from rota.client.environment import Environment
from rota.engine.rank import RankFunction
from rota.jobs.client import Client
from rota.jobs.definition import Definition
from rota.jobs.instance import InstanceSource
from rota.runtime.executor import Executor, ExecutorHost
from rota.runtime.lifespan import LifespanFunction
from rota.runtime.maintenance import Declared
from rota.runtime.outside import ClientTerms
from rota.runtime.processors import Processor

__all__ = ["ConsumerSettings"]


@dataclass(frozen=True, slots=True)
class ConsumerSettings:
    """All that a consumer is given; lengths in milliseconds and seconds."""

    connection: Connection
    environment: Environment
    client: Client
    source: InstanceSource
    definitions: Mapping[str, Definition]
    executors: Callable[[str], Callable[[ExecutorHost], Executor]]
    processors: Sequence[Processor]
    rank: RankFunction
    client_terms: ClientTerms
    concurrency: int
    lease_ms: int
    lifespan: LifespanFunction | None = None
    declared: Declared | None = None
    system: Declared | None = None  # rota's own rules
