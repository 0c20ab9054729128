"""Letting a manager, with its store and its workers, follow a clock of the test's."""

import random
from typing import TYPE_CHECKING

from rota.client.connection import Connection
from rota.client.environment import Environment
from rota.model.clock import Clock

if TYPE_CHECKING:
    from rota.manager.manager import Manager

__all__ = ["clocked"]


def clocked(manager: "Manager", clock: Clock, rng: random.Random | None = None) -> "Manager":
    """Give a manager that was not used yet another clock, and randomness that repeats (`rng`, by default one of
    a fixed seed); the same manager.

    Its worker waits, times out, retries and fires schedules by `clock`. So does a store that the manager
    opens from a URL and whose own clock is the host's (`memory://`); one given as an object keeps its own.
    """
    manager._environment = Environment(clock=clock, rng=rng or random.Random(0))
    manager._connect_by(Connection(manager._open_store, manager._policy))
    return manager
