"""How much a run tries: examples of the state machine, seeds, racers."""

from typing import Final, NamedTuple

__all__ = ["PROFILES", "Profile"]


class Profile(NamedTuple):
    """The numbers of one profile. `examples` x `steps` of the state machine, `rounds` of races, `seeds` of faults."""

    name: str
    examples: int
    steps: int
    rounds: int
    seeds: int
    crowd: int  # instances in tests of many


PROFILES: Final = {
    one.name: one
    for one in (
        Profile("dev", examples=50, steps=20, rounds=20, seeds=5, crowd=2_000),
        Profile("ci", examples=200, steps=50, rounds=100, seeds=20, crowd=5_000),
        Profile("nightly", examples=2_000, steps=100, rounds=1_000, seeds=200, crowd=20_000),
    )
}
