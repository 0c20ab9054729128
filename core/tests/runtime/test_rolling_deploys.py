"""Declared rules while versions of a program replace one another: by real maintenance, on the real memory store."""

import pytest
from core.tests.runtime.fleet import PERIOD_S, Fleet, Version, rule
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition
from hypothesis.stateful import rule as action

_START_S = 1_767_225_600
_KEPT = rule("keep", 60, misfire="all", misfire_cap=10_000)
_HELD = rule("held", 10)
_A = (_KEPT, _HELD, rule("shared", 90), rule("only-a", 50))
_B = (_KEPT, _HELD, rule("shared", 45), rule("only-b", 50))
_C = (_KEPT, _HELD)


def _versions(*revisions: int | None) -> tuple[Version, ...]:
    """A, B, C, and a fourth that declares what A does."""
    return tuple(Version(*of) for of in zip("ABCD", (_A, _B, _C, _A), revisions, strict=True))


_UNNUMBERED = _versions(None, None, None, None)
_NUMBERED = _versions(1, 2, 3, 4)
_PARTLY = _versions(None, 2, 3, None)
_ALL = pytest.mark.parametrize("versions", [_UNNUMBERED, _NUMBERED, _PARTLY], ids=["by start", "by revision", "mixed"])


def _kept_every_slot(fleet: Fleet, since_s: int = _START_S) -> bool:
    """Whether the rule that all versions have has fired each of its slots, once, in order, up to now."""
    now_s = fleet.clock.now_ms() // 1000
    expected = [slot_s * 1000 for slot_s in range(since_s // 60 * 60 + 60, now_s + 1, 60)]
    return expected == fleet.fired.get("keep", [])


# ---- scripted ---------------------------------------------------------------------------------------


@_ALL
def test_after_each_roll_and_rollback_the_surviving_version_stands(versions: tuple[Version, ...]) -> None:
    """A, then B, back to A, then C, whatever the revisions: the rule that all have misses and doubles no slot."""
    a, b, c, _ = versions
    fleet = Fleet()
    for version in (a, b, a, c, b):
        fleet.roll(version)
        fleet.run(PERIOD_S + 1)
        assert fleet.stands(version), version.name
        assert {version} == {one.version for one in fleet.living}
    assert _kept_every_slot(fleet)


def test_new_version_stands_from_its_first_worker_on() -> None:
    """So does the old one after a rollback, from its first new worker on, as none of its first ones live."""
    fleet, (a, b, *_) = Fleet(), _UNNUMBERED
    fleet.roll(a)
    for version in (b, a, b):
        old = list(fleet.living)
        for one in old:
            fleet.start(version)
            assert fleet.stands(version)
            fleet.run(2 * PERIOD_S)
            assert fleet.stands(version)
            fleet.stop(one)


def test_rollback_halfway_is_over_when_the_last_new_worker_is_gone() -> None:
    """Old workers of the old version live still, so the new version stands until then, and not a period longer."""
    fleet, (a, b, *_) = Fleet(), _UNNUMBERED
    fleet.roll(a, size=3)
    new = []
    for _ in range(2):
        new.append(fleet.start(b))
        fleet.stop(fleet.living[0])
    for one in new:
        fleet.run(PERIOD_S)
        assert fleet.stands(b)
        fleet.start(a)
        fleet.run(PERIOD_S)
        assert fleet.stands(b)
        fleet.stop(one)
    fleet.run(PERIOD_S + 1)
    assert fleet.stands(a)
    assert _kept_every_slot(fleet)


def test_highest_revision_stands_as_long_as_one_worker_of_it_lives() -> None:
    """Restarts of the older version don't bring its rules back; the end of the newer one does."""
    fleet, (a, b, *_) = Fleet(), _NUMBERED
    fleet.start(a)
    last = fleet.start(b)
    for _ in range(3):
        fleet.start(a)
        fleet.stop(fleet.living[0])
        if last not in fleet.living:
            break
        fleet.run(2 * PERIOD_S)
        assert fleet.stands(b)
        fleet.living.sort(key=lambda one: one is last)
    fleet.stop(last)
    fleet.run(PERIOD_S + 1)
    assert fleet.stands(a)


def test_version_that_died_stands_until_its_lease_ends() -> None:
    """Nobody knows earlier that it is gone; from then on the others take a period at most."""
    fleet, (a, b, *_) = Fleet(), _UNNUMBERED
    fleet.start(a)
    fleet.kill(fleet.start(b))
    fleet.run(PERIOD_S - 1)
    assert fleet.stands(b)
    fleet.run(PERIOD_S + 2)
    assert fleet.stands(a)


@_ALL
def test_deploy_with_nothing_running_in_between_loses_no_slot(versions: tuple[Version, ...]) -> None:
    """The rules that stayed as they were catch up on what came meanwhile, as their misfire says."""
    fleet = Fleet()
    for version in (*versions, versions[0]):
        fleet.start(version)
        fleet.run(100)
        assert fleet.stands(version)
        fleet.stop(fleet.living[0])
        fleet.run(130)
    fleet.start(versions[0])
    fleet.run(1)
    assert _kept_every_slot(fleet)


@_ALL
def test_paused_rule_stays_paused_over_every_roll(versions: tuple[Version, ...]) -> None:
    """As long as the versions declare it, changed or not; one that a version has not is forgotten, its pause too."""
    a, b, c, _ = versions
    fleet = Fleet()
    fleet.roll(a)
    for found in fleet.schedules():
        assert fleet.patch_schedule(found, paused=True, next_slot_ms=found.next_slot_ms)
    fleet.run(1)
    fleet.fired.clear()
    for version, paused in ((b, {"held", "keep", "shared"}), (a, {"held", "keep", "shared"}), (c, {"held", "keep"})):
        fleet.roll(version)
        fleet.settle()
        assert paused == {one.name for one in fleet.schedules() if one.paused}
        assert not paused & fleet.fired.keys()
    fleet.roll(a)
    fleet.settle()
    assert {"held", "keep"} == {one.name for one in fleet.schedules() if one.paused}


# ---- at random --------------------------------------------------------------------------------------


class _Rolling(RuleBasedStateMachine):
    """Workers of all versions start, stop, die and are replaced, in any order."""

    versions = _UNNUMBERED

    @initialize(seed=st.integers(0, 2**32), version=st.integers(0, 3))
    def begin(self, seed: int, version: int) -> None:
        """One process, and what clients have put; a rule of code is paused."""
        self.fleet = Fleet(seed)
        self.fleet.put_schedule(rule("by-hand", 70, next_slot_ms=_START_S * 1000 + 70_000))
        self.fleet.put_schedule(rule("shared", 40, paused=True))
        self.put = self.fleet.of_nobody()
        self.fleet.start(self.versions[version])
        (held,) = [one for one in self.fleet.schedules() if one.name == "held"]
        self.fleet.patch_schedule(held, paused=True, next_slot_ms=held.next_slot_ms)

    @action(version=st.integers(0, 3))
    @precondition(lambda self: len(self.fleet.living) < 6)
    def start(self, version: int) -> None:
        """One more."""
        self.fleet.start(self.versions[version])

    @action(which=st.integers(0, 5), in_order=st.booleans())
    @precondition(lambda self: self.fleet.living)
    def end(self, which: int, in_order: bool) -> None:
        """One less."""
        worker = self.fleet.living[which % len(self.fleet.living)]
        (self.fleet.stop if in_order else self.fleet.kill)(worker)

    @action(seconds=st.integers(1, 40))
    def run_on(self, seconds: int) -> None:
        """Time passes, whether or not somebody lives."""
        self.fleet.run(seconds)

    @action(version=st.integers(0, 3), size=st.integers(1, 3), pause_s=st.integers(0, 20))
    def roll(self, version: int, size: int, pause_s: int) -> None:
        """A deploy or a rollback, to its end: the survivor's rules stand, and no slot was lost."""
        self.fleet.roll(self.versions[version], size=size, pause_s=pause_s)
        self.fleet.settle()
        assert self.fleet.stands(self.versions[version])

    @action()
    @precondition(lambda self: self.fleet.living)
    def settle(self) -> None:
        """A mixed fleet comes to one mind: the highest revision, else the set whose earliest process started last."""
        self.fleet.settle()
        sets: dict[tuple[str, ...], list[tuple[int, int]]] = {}
        for one in self.fleet.living:
            names = tuple(f"{each.name} {each.trigger.period_ms}" for each in one.version.rules)
            revision = -1 if one.version.revision is None else one.version.revision
            sets.setdefault(names, []).append((revision, one.started_ms))
        winner = max(sets.values(), key=lambda found: (max(found)[0], min(started for _, started in found)))
        (version, *_) = [one.version for one in self.fleet.living if one.started_ms in {at for _, at in winner}]
        assert self.fleet.stands(version)

    @invariant()
    def nothing_of_others_is_touched(self) -> None:
        """Rules that clients put stand as they were; a paused one is paused, and has never fired."""
        assert self.put == self.fleet.of_nobody()
        assert [True] == [one.paused for one in self.fleet.schedules() if one.name == "held"]
        assert "held" not in self.fleet.fired

    def teardown(self) -> None:
        """Every slot of the rule that nobody changed has fired once, also those that came while nobody lived."""
        if not hasattr(self, "fleet"):
            return
        self.fleet.start(self.versions[0])
        self.fleet.run(1)
        assert _kept_every_slot(self.fleet)


class _ByRevision(_Rolling):
    """Every version says a revision."""

    versions = _NUMBERED


class _Mixed(_Rolling):
    """Some do."""

    versions = _PARTLY


_SETTINGS = settings(max_examples=40, stateful_step_count=20, deadline=None)
for _machine in (_Rolling, _ByRevision, _Mixed):
    _machine.TestCase.settings = _SETTINGS

TestByStart = _Rolling.TestCase
TestByRevision = _ByRevision.TestCase
TestMixed = _Mixed.TestCase
