"""MOD: the store against the reference model, step by step."""

from rota_conformance.harness import StoreHarness
from rota_conformance.machine import machine_for, missed, run_machine
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves


@proves("MOD-1")
def test_any_history_told_to_store_and_model_is_answered_alike(
    harness: StoreHarness, profile: Profile, seed: int
) -> None:
    """Whatever two clients do, the store answers, and stands, as the reference model; every situation was met."""
    machine = machine_for(harness, seed)
    run_machine(machine, profile)
    assert {} == missed(machine, profile), "the run met these too seldom to say that the store is like the model"
