"""`rota conformance`: its verbs, their output and their exit codes."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from rota.store.contract import StoreCapabilities
from rota_conformance.commands import conformance
from rota_conformance.report import Report, report_of
from rota_conformance.requirements import REQUIREMENTS
from rota_conformance.results import Recorded, TestRecord
from rota_conformance.written import written_tests

FEATURES = frozenset({"limits", "push"})


def made(**outcomes: str) -> Report:
    """The report of a store that passed everything, but for these (with `_` for `-`)."""
    told = {one.replace("_", "-"): outcome for one, outcome in outcomes.items()}
    tests = [
        TestRecord(
            name,
            proves,
            next((told[one] for one in proves if one in told), "passed"),  # type: ignore[arg-type]
            origin="test_x.py",
        )
        for name, proves in written_tests().items()
    ]
    recorded = Recorded(StoreCapabilities(features=FEATURES, clock="host"), [], 1.5, tests)  # type: ignore[arg-type]
    return report_of(recorded, url="acme://u:secret@host/db", harness=None, profile="ci", seed=7, pytest_args=())


def written(folder: Path, name: str, report: Report) -> str:
    """The path of a report's file."""
    path = folder / name
    path.write_bytes(report.to_json())
    return str(path)


def invoke(*arguments: str) -> Result:
    """`rota conformance ARGUMENTS`."""
    return CliRunner().invoke(conformance, list(arguments))


def test_report_says_how_to_repeat_it_without_credentials() -> None:
    """It is made to be published."""
    report = made()
    assert "secret" not in report.to_json().decode()
    assert report.reproduce.endswith("--profile ci --seed 7")
    assert report == Report.from_json(report.to_json())


def test_verify_takes_a_sound_report(tmp_path: Path) -> None:
    """And says what its verdict is."""
    result = invoke("verify", written(tmp_path, "report.json", made()))
    assert (0, True) == (result.exit_code, result.output.endswith("sound, conformant\n"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "conformant"}, "its verdict is 'conformant', its results make 'failed'"),
        ({"schema": "other/1"}, "its schema is 'other/1'"),
        ({"totals": {"passed": 1000}}, "its totals are not those of its results"),
        ({"results": ()}, "it lacks"),
    ],
)
def test_verify_refuses_a_report_that_was_changed(tmp_path: Path, change: dict[str, object], said: str) -> None:
    """A verdict is worth what its results say."""
    report = msgspec.structs.replace(made(CLM_1="failed"), **change)
    result = invoke("verify", written(tmp_path, "report.json", report))
    assert (1, True) == (result.exit_code, said in result.output)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [("undeclared", "but holds for every store"), ("not_offered", "but needs nothing of a harness")],
)
def test_verify_sees_a_failure_that_was_made_to_not_apply(tmp_path: Path, outcome: str, said: str) -> None:
    """A core requirement holds, whatever the store declares and the harness offers."""
    report = made(CLM_1="failed")
    results = tuple(
        msgspec.structs.replace(one, outcome=outcome) if one.outcome == "failed" else one for one in report.results
    )
    totals = {**report.totals, outcome: report.totals.get(outcome, 0) + report.totals["failed"]}
    del totals["failed"]
    changed = msgspec.structs.replace(report, results=results, totals=totals, verdict="conformant")
    result = invoke("verify", written(tmp_path, "report.json", changed))
    assert (1, True) == (result.exit_code, said in result.output)


def test_verify_sees_what_was_spoiled(tmp_path: Path) -> None:
    """With it no report is conformant."""
    report = msgspec.structs.replace(made(), spoiled=("a plugin of pytest: grace",))
    result = invoke("verify", written(tmp_path, "report.json", report))
    assert (1, True) == (result.exit_code, "its results make 'partial'" in result.output)


def test_verify_sees_a_declared_feature_left_out(tmp_path: Path) -> None:
    """`undeclared` can't hide what the store declares."""
    report = made()
    results = tuple(
        msgspec.structs.replace(one, outcome="undeclared") if one.feature == "limits" else one for one in report.results
    )
    totals = {"passed": 0}
    changed = msgspec.structs.replace(report, results=results, totals=totals)
    assert "the store declares 'limits'" in invoke("verify", written(tmp_path, "report.json", changed)).output


def test_compare_shows_what_differs_and_fails_for_the_worse(tmp_path: Path) -> None:
    """Exit 1 only when something that passed does not any more."""
    good, bad = written(tmp_path, "good.json", made()), written(tmp_path, "bad.json", made(CLM_1="failed"))
    worse, better, same = invoke("compare", good, bad), invoke("compare", bad, good), invoke("compare", good, good)
    assert (1, 0, 0) == (worse.exit_code, better.exit_code, same.exit_code)
    assert "CLM-1: passed -> failed" in worse.output
    assert "CLM-1: failed -> passed" in better.output
    assert "0 differences" in same.output


def test_render_makes_a_table_of_every_requirement(tmp_path: Path) -> None:
    """As Markdown, to stand beside the file."""
    result = invoke("render", written(tmp_path, "report.json", made()))
    assert 0 == result.exit_code
    assert result.output.startswith("# acme://")
    assert len(REQUIREMENTS) == sum(
        line.startswith(tuple(f"| {one} |" for one in REQUIREMENTS)) for line in result.output.splitlines()
    )


def test_list_names_every_requirement() -> None:
    """With its level."""
    assert len(REQUIREMENTS) == len(invoke("list").output.splitlines())


def test_what_is_no_report_is_said_so(tmp_path: Path) -> None:
    """Not with a traceback of a decoder."""
    path = tmp_path / "x.json"
    path.write_text("{}")
    assert "no report of the conformance suite" in str(invoke("verify", str(path)).exception)


def test_run_writes_its_report_and_fails_unless_conformant(tmp_path: Path) -> None:
    """A part of the suite is not the suite."""
    target = tmp_path / "out.json"
    result = invoke("run", "--store", "memory://suite", "--report", str(target), "--", "-k", "test_claim_takes", "-q")
    assert 1 == result.exit_code
    assert "memory://suite: partial" in result.output
    assert "partial" == Report.from_json(target.read_bytes()).verdict


def test_run_without_a_store_says_what_to_give() -> None:
    """Nothing is tested by default."""
    assert 0 != invoke("run").exit_code
