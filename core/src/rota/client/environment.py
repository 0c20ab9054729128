"""What would make a program unrepeatable: the clock, randomness and ids, passed in as one."""

import random
from dataclasses import dataclass, field

from rota.model.clock import Clock, SystemClock
from rota.model.ids import IdSource

__all__ = ["Environment"]


@dataclass(frozen=True, slots=True)
class Environment:
    """The clock, the randomness and the ids of one manager."""

    clock: Clock = field(default_factory=SystemClock)
    rng: random.Random = field(default_factory=random.Random)
    ids: IdSource = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", IdSource(self.clock, self.rng))
