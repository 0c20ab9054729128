"""The state machine: what it passes, what it finds, and what it says of it."""

from collections import Counter

import pytest
from conformance.tests.mutants import modelling
from conformance.tests.reference import ReferenceHarness
from conformance.tests.served import ServedHarness

from rota_conformance.machine import FLOORS, machine_for, missed, run_machine, runnable
from rota_conformance.model import ReferenceStore
from rota_conformance.profiles import PROFILES

_SMALL = PROFILES["dev"]._replace(examples=15)
_OPENING = "__import__('conformance.tests.test_machine', fromlist=['_']).{}()"


TokenHarness = modelling.harness_of(modelling.GivesTokensOutAgain)


def test_model_passes_its_own_machine() -> None:
    """The model as a store, with all that may be declared: each situation is met, none tells the two apart."""
    machine = machine_for(ReferenceHarness())
    run_machine(machine, PROFILES["dev"])
    assert {} == missed(machine, PROFILES["dev"])
    assert FLOORS.keys() <= machine.situations.keys()


@pytest.mark.parametrize("broken", modelling.BROKEN, ids=lambda one: one.__name__)
def test_machine_tells_a_broken_store_from_the_model(broken: type[ReferenceStore]) -> None:
    """Also in what only some stores declare."""
    with pytest.raises((AssertionError, ValueError)):
        run_machine(machine_for(modelling.harness_of(broken)()), PROFILES["dev"])


def test_machine_runs_where_the_clock_can_not_be_moved() -> None:
    """A store on a clock of its own, behind a socket: what has to wait is left out, the rest is compared."""
    harness = ServedHarness()
    try:
        machine = machine_for(harness)
        run_machine(machine, _SMALL)
        assert {} == missed(machine, _SMALL)
        assert "expired" not in machine.situations
    finally:
        harness.close()


def test_floor_that_is_not_reached_is_told() -> None:
    """A run that met nothing proves nothing."""
    machine = machine_for(ReferenceHarness())
    assert dict.fromkeys(FLOORS, 0) == missed(machine, _SMALL)
    machine.situations.update(dict.fromkeys(FLOORS, 2))
    assert {} == missed(machine, _SMALL)


def _history(seed: int) -> str:
    """The failing history of a broken store, as a program."""
    machine = machine_for(TokenHarness(), seed)
    machine.tour = lambda self, rounds: None
    with pytest.raises(AssertionError) as found:
        run_machine(machine, PROFILES["dev"])
    return runnable(found.value, _OPENING.format("TokenHarness"))


def test_failing_history_is_a_program_that_fails_alike() -> None:
    """What is printed can be run as it is."""
    program = _history(3)
    with pytest.raises(AssertionError, match="token"):
        exec(compile(program, "history", "exec"), {})  # noqa: S102 - our own output


def test_failing_history_is_found_again_by_its_seed() -> None:
    """One seed, one history."""
    assert _history(5) == _history(5)


def test_machines_count_for_themselves() -> None:
    """Two machines share no count."""
    one, other = machine_for(ReferenceHarness()), machine_for(ReferenceHarness())
    one.situations["poison"] += 1
    assert Counter() == other.situations
