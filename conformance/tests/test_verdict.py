"""The verdict: from tests to requirements, and never from nothing."""

import pytest

from rota.store.contract import StoreCapabilities
from rota_conformance.requirements import Requirement
from rota_conformance.results import Recorded, TestRecord
from rota_conformance.verdict import RequirementResult, judge, verdict_of

MANIFEST = {
    one.id: one
    for one in (
        Requirement("A-1", "claim", "a"),
        Requirement("B-1", "claim", "b", feature="limits"),
        Requirement("C-1", "claim", "c", needs="dump"),
        Requirement("D-1", "claim", "d", provisional=True),
    )
}


def record(*proves: str, outcome: str = "passed", origin: str = "test_claim.py") -> TestRecord:
    """A test of the suite that was called."""
    return TestRecord(f"test_{'_'.join(proves)}", proves, outcome, origin=origin)  # type: ignore[arg-type]


def judged(
    *tests: TestRecord,
    features: frozenset[str] = frozenset(),
    offered: tuple[str, ...] = (),
    written: dict[str, list[str]] | None = None,
) -> list[RequirementResult]:
    """The results of these tests against the manifest."""
    capabilities = StoreCapabilities(features=features, clock="host")  # type: ignore[arg-type]
    return judge(Recorded(capabilities, list(offered), 1.0, list(tests)), MANIFEST, written or {})


def test_everything_that_applies_passed_is_conformant() -> None:
    """What the store does not declare, the harness does not offer, or is provisional, does not count."""
    results = judged(record("A-1"))
    assert ["passed", "undeclared", "not_offered", "not_run"] == [one.outcome for one in results]
    assert "conformant" == verdict_of(results)


def test_nothing_at_all_is_not_conformant() -> None:
    """An empty run has no verdict to be proud of, nor has one of an empty manifest."""
    assert "partial" == verdict_of(judged())
    assert "partial" == verdict_of([])


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (record("A-1", outcome="not_run"), "deselected, or never called"),
        (record("A-1", outcome="skipped"), "skipped"),
        (record("A-1", outcome="xfailed"), "xfailed"),
        (record("A-1", origin=""), "overridden"),
    ],
)
def test_requirement_with_a_test_that_was_not_called_is_not_run(test: TestRecord, said: str) -> None:
    """One of two is enough: the other test can't speak for it."""
    (result, *_) = judged(record("A-1"), test)
    assert "not_run" == result.outcome
    assert said in result.reason
    assert "partial" == verdict_of([result])


def test_requirement_with_a_test_that_was_never_collected_is_not_run() -> None:
    """Whatever kept pytest from seeing it."""
    (result, *_) = judged(record("A-1"), written={"test_A-1": ["A-1"], "test_claim.py::test_more": ["A-1"]})
    assert "not_run" == result.outcome
    assert "test_claim.py::test_more" in result.reason


def test_what_was_spoiled_is_not_conformant() -> None:
    """Everything may have passed, by the grace of a plugin."""
    assert "conformant" == verdict_of(judged(record("A-1")))
    assert "partial" == verdict_of(judged(record("A-1")), ["a plugin of pytest: grace"])


def test_failure_outweighs_what_was_not_run() -> None:
    """`failed` says that the store is wrong, `partial` only that it is not proven."""
    results = judged(record("A-1", outcome="failed"), record("A-1", outcome="skipped"))
    assert "failed" == results[0].outcome
    assert "failed" == verdict_of(results)


def test_declared_feature_and_offered_need_count() -> None:
    """Whoever declares has to prove."""
    features, offered = frozenset({"limits"}), ("dump",)
    assert "partial" == verdict_of(judged(record("A-1"), features=features))
    assert "partial" == verdict_of(judged(record("A-1"), offered=offered))
    every = [record("A-1"), record("B-1"), record("C-1")]
    assert "conformant" == verdict_of(judged(*every, features=features, offered=offered))


def test_provisional_requirement_does_not_count() -> None:
    """New ones enter so, for a version."""
    assert "conformant" == verdict_of(judged(record("A-1"), record("D-1", outcome="failed")))


@pytest.mark.parametrize(
    ("phases", "outcome"),
    [
        ([("setup", "passed"), ("call", "passed"), ("teardown", "passed")], "passed"),
        ([("setup", "passed"), ("call", "passed"), ("teardown", "failed")], "failed"),
        ([("setup", "failed")], "failed"),
        ([("setup", "passed"), ("call", "failed"), ("teardown", "passed")], "failed"),
        ([("setup", "skipped")], "skipped"),
        ([("setup", "passed"), ("teardown", "passed")], "not_run"),
    ],
)
def test_worst_phase_counts(phases: list[tuple[str, str]], outcome: str) -> None:
    """A test whose store leaks keys after it has failed, whatever its call said; one without a call proves nothing."""
    test = TestRecord("t", ("A-1",))
    for phase, came in phases:
        test.note(phase, came, 0.1, "", expected_to_fail=False)
    assert outcome == test.outcome


def test_test_expected_to_fail_proves_nothing_whether_it_fails_or_not() -> None:
    """An xfail mark is how a failure is smuggled past an exit code."""
    test = TestRecord("t", ("A-1",))
    test.note("call", "passed", 0.1, "", expected_to_fail=True)
    assert "xfailed" == test.outcome
