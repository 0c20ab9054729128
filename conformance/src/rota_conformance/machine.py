"""A state machine that tells a store and the model the same, whatever comes to mind, by two clients; see `twins`.

Rules come in two kinds. The loose ones do one thing (`loose_rules`). The *directed* ones bring about a situation that
chance seldom meets: a stale claim, a crash after which an instance is claimed again, an ending that arrives twice
(`directed_rules`). `FLOORS` names what has to be met, and a run begins with a `tour` through it, so that no floor is
left to chance. All arguments of rules are numbers, texts and results of others, so that a failing history, as
Hypothesis prints it, is a program; `runnable` completes it.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from rota_conformance.directed_rules import DirectedRules
from rota_conformance.harness import StoreHarness
from rota_conformance.loose_rules import ENDINGS
from rota_conformance.profiles import Profile

__all__ = ["FLOORS", "StoreMachine", "machine_for", "missed", "run_machine", "runnable"]

#: Situations that every run meets, with the feature or clock that they need.
FLOORS: Final[dict[str, str | None]] = {
    "stale settle": None,
    "settled twice": None,
    "replayed claim": None,
    "same id again": None,
    "duplicate key": None,
    "key free again": None,
    "poison": None,
    "retried": None,
    "released: done": None,
    "completed: done": None,
    "requeue against a cancel": None,
    "told of a cancel": None,
    "cancel: canceled": None,
    "cancel: final": None,
    "cancel: changed": None,
    "claimed again": None,
    "reclaimed after a crash": None,
    "second client": None,
    "reopened": None,
    "paused": None,
    "purged": None,
    "retired": None,
    "expired": "moves_time",
    "reaped: crashed": "moves_time",
    "settled after the lease": "moves_time",
    "settled after the reap": "moves_time",
    "held back by a lane": "limits",
    "held back by a gate": "limits",
    "a lane given back": "limits",
    "held back by a rate": "rate",
    "a dependent started": "dependencies",
    "canceled by a parent": "dependencies",
}


class StoreMachine(DirectedRules):
    """All rules, and the tour through them."""

    def tour(self, rounds: int) -> None:
        """Every situation so many times, in an order of the seed's. Raises: as a rule does."""
        rng = random.Random(self.seed)
        steps = [step for need, step in _TOUR if need in self._given() for _ in range(rounds)]
        for step in rng.sample(steps, len(steps)):
            step(self, rng.randrange(2), rng.choice(ENDINGS))
            self.agree()

    def _given(self) -> set[str | None]:
        """What situations may need here."""
        lab = self.twins.lab
        return {None, *lab.capabilities.features} | ({"moves_time"} if self.twins.timed else set())

    def _meet_loosely(self, client: int, ending: str) -> None:
        """What the loose rules do, once each."""
        twins, worker = self.twins, self.twins.worker(0)
        record = twins.lab.record(kind="b")
        twins.enqueue([record], client)
        self.enqueue_again(record.id, 1 - client)
        self.pause_or_resume("b", True, client)
        twins.claim(worker, ("b",), 1, client)
        self.pause_or_resume("b", False, client)
        twins.claim(worker, ("b",), 1, client)
        twins.replay(worker, 1 - client)
        self.retire(0)
        self.reopen(client)
        twins.claim(twins.worker(0), ("b",), 1, client)
        self.cancel([record.id], "any", client)
        self.retire(0)


_TOUR: Final[tuple[tuple[str | None, Callable[[StoreMachine, int, str], Any]], ...]] = (
    (None, StoreMachine._meet_loosely),
    (None, lambda machine, client, ending: machine.settle_a_stale_claim(ending, client)),
    (None, lambda machine, client, ending: machine.settle_twice(ending, client)),
    (None, lambda machine, client, ending: machine.settle_twice("released", client)),
    (None, lambda machine, client, ending: machine.crash_under_an_instance(client)),
    (None, lambda machine, client, ending: machine.use_a_key_again("started", client)),
    (None, lambda machine, client, ending: machine.use_a_key_again("finished", client)),
    (None, lambda machine, client, ending: machine.cancel_what_goes_back("crashed", client)),
    (None, lambda machine, client, ending: machine.fail_and_succeed("timed_out", client)),
    (None, lambda machine, client, ending: machine.cancel_in_the_queue(client)),
    ("moves_time", lambda machine, client, ending: machine.let_one_expire(1 + client)),
    ("moves_time", lambda machine, client, ending: machine.let_leases_end(False, ending, client)),
    ("moves_time", lambda machine, client, ending: machine.let_leases_end(True, ending, client)),
    ("limits", lambda machine, client, ending: machine.fill_lanes(["one", "two"], client)),
    ("limits", lambda machine, client, ending: machine.fill_a_gate(3, client)),
    ("limits", lambda machine, client, ending: machine.give_a_lane_back(ending, client)),
    ("limits", lambda machine, client, ending: machine.give_a_lane_back("crashed", client)),
    ("rate", lambda machine, client, ending: machine.outrun_a_rate(3, client)),
    ("dependencies", lambda machine, client, ending: machine.end_both_parents(False, client)),
    ("dependencies", lambda machine, client, ending: machine.end_both_parents(True, client)),
)


def machine_for(harness: StoreHarness, seed: int = 0) -> type[StoreMachine]:
    """The machine for a store, with a count of situations of its own."""
    told = {"harness": harness, "seed": seed, "situations": Counter(), "__module__": __name__}
    return type("StoreMachine", (StoreMachine,), told)


def run_machine(machine: type[StoreMachine], profile: Profile) -> None:
    """Make the tour, then run as many examples of as many steps as the profile says. Raises: what the first failing
    one raised, with its history in the notes."""
    chosen = settings(
        max_examples=profile.examples,
        stateful_step_count=profile.steps,
        deadline=None,
        database=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large),
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
    )
    toured = machine()
    try:
        toured.publish_limits()
        toured.tour(_floor(profile))
    finally:
        toured.teardown()
    run_state_machine_as_test(seed(machine.seed)(machine), settings=chosen)


def missed(machine: type[StoreMachine], profile: Profile) -> dict[str, int]:
    """Situations that a run met less often than it has to, and how often it did."""
    looking = machine()
    given, met = looking._given(), machine.situations
    looking.teardown()
    return {one: met[one] for one, need in FLOORS.items() if need in given and met[one] < _floor(profile)}


def _floor(profile: Profile) -> int:
    """How often each situation has to be met."""
    return max(2, profile.examples // 25)


def runnable(error: BaseException, opening: str) -> str:
    """The failing history in the notes of an error as a program; `opening` is an expression for the harness."""
    lines = "\n".join(getattr(error, "__notes__", [])).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("state = "))
    end = next(n for n, line in enumerate(lines) if n > start and line.startswith("state.teardown"))
    head = ["from rota_conformance.harness import harness_from", "from rota_conformance.machine import machine_for", ""]
    return "\n".join([*head, f"StoreMachine = machine_for({opening})", *lines[start : end + 1]])
