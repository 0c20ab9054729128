"""The demo keeps its promises: it finds what was changed, says so, and its exit code agrees."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

import pytest
from examples.audit.conftest import HERE, SitePackages, recorded_hash

import rota
from rota.testing import wait_until

FILES = {"alpha/__init__.py": b"", "alpha/core.py": b"ANSWER = 42\n"}


@pytest.fixture
def two(site: SitePackages) -> SitePackages:
    """Two distributions, as they were installed."""
    site.install("alpha", FILES)
    site.install("beta", {"beta.py": b"import alpha\n"})
    return site


def run_demo(site: SitePackages, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The demo as a user starts it."""
    command = [sys.executable, str(HERE / "main.py"), "--path", str(site.folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def audit(demo: ModuleType, metadata: Path) -> Any:
    """What the audit of one distribution returns; a job is called as the function it is."""
    return demo.audit(str(metadata))


# ---- the whole program -----------------------------------------------------------------------------


def test_untouched_packages_exit_zero_with_data_on_stdout_only(two: SitePackages) -> None:
    """Every file as recorded: 0; tables and verdict on stdout, what goes on meanwhile on stderr."""
    done = run_demo(two)

    assert 0 == done.returncode, done.stderr
    assert "2 distributions, 3 files, 0.0 MB compared" in done.stdout
    assert "every file is as it was installed" in done.stdout
    assert "auditing 2 distributions" in done.stderr
    assert "auditing" not in done.stdout


def test_a_changed_file_exits_one_and_is_named_with_both_hashes(two: SitePackages) -> None:
    """The report says which distribution, which file, what was expected and found, and what to do."""
    file = two.write("alpha/core.py", b"ANSWER = 43\n")

    done = run_demo(two)

    assert 1 == done.returncode
    assert f"NOT AS INSTALLED: alpha 1.0 in {two.folder}" in done.stdout
    assert f"changed: {file}" in done.stdout
    assert f"expected {recorded_hash(FILES['alpha/core.py'])}" in done.stdout
    assert f"found    {recorded_hash(file.read_bytes())}" in done.stdout
    assert "pip install --force-reinstall --no-deps alpha==1.0" in done.stdout
    assert "beta" not in done.stdout


def test_a_deleted_file_exits_one_and_is_named(
    demo: ModuleType, two: SitePackages, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing file is damage."""
    (two.folder / "beta.py").unlink()

    assert 1 == demo.main(["--path", str(two.folder)])

    assert f"missing: {two.folder / 'beta.py'}" in capsys.readouterr().out


def test_packages_without_hashes_are_not_verifiable_and_no_failure(
    demo: ModuleType, two: SitePackages, capsys: pytest.CaptureFixture[str]
) -> None:
    """No RECORD, one without hashes, and metadata that is a mere file: nothing can be said of them."""
    (two.folder / "gamma-2.dist-info").mkdir()
    two.write("delta-3.dist-info/RECORD", b"delta.py,,\n")
    two.write("epsilon-4.egg-info", b"Name: epsilon\n")

    assert 0 == demo.main(["--path", str(two.folder)])

    assert "3 not verifiable" in (out := capsys.readouterr().out)
    assert all(name in out for name in ("gamma 2", "delta 3", "epsilon 4"))


def test_every_feature_of_the_tour_is_seen(
    demo: ModuleType, two: SitePackages, capsys: pytest.CaptureFixture[str]
) -> None:
    """Retries, a cancel, an overtaking call, history and log: all are in the output, with one slot as well."""
    assert 0 == demo.main(["--path", str(two.folder), "--concurrency", "1"])

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert any(line.startswith("audit 2 2 2 completed ") for line in lines)
    assert any(line.startswith("flaky 1 3 2 terminated, 1 completed ") for line in lines)
    assert any(line.startswith("patient 1 1 1 canceled ") for line in lines)
    assert "the longest audit, scheduled last of 2: 0 started before it, 1 after it" in lines
    assert any(line.endswith("INFO alpha-1.0: 2 files with a recorded hash") for line in lines)
    assert any(line.endswith("s completed") for line in lines)


def test_a_second_run_on_a_lasting_store_finds_the_first_ones_history(two: SitePackages, tmp_path: Path) -> None:
    """What another process left is told first: how much, when, and its last result. The report is of this run alone."""
    store = ("--store", f"sqlite:///{tmp_path / 'demo.db'}", "--concurrency", "2")

    first, second = run_demo(two, *store), run_demo(two, *store)

    assert (0, 0) == (first.returncode, second.returncode), second.stderr
    assert "earlier" not in first.stdout
    found, last, blank, *report = second.stdout.splitlines()
    assert "Found 1 earlier run in this store: 2 audits, 2 of them completed" == found
    assert last.endswith("UTC: alpha 1.0, 2 files, no findings")
    assert ("", "What ran") == (blank, report[0])
    assert any(line.split()[:5] == ["audit", "2", "2", "2", "completed"] for line in report)
    assert last.split(", ")[1] not in "".join(report)


def test_what_an_interrupted_run_left_in_the_queue_does_not_run(
    demo: ModuleType, two: SitePackages, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is canceled, stays in the history as that, and no audit of this run waits for it."""
    url = f"sqlite:///{tmp_path / 'demo.db'}"
    with rota.Manager(url, namespace=demo.NAMESPACE, jobs=[demo.jobs]) as manager:
        left = manager.schedule(demo.audit.call(str(two.folder / "alpha-1.0.dist-info")))

        assert 0 == demo.main(["--path", str(two.folder), "--store", url])

        assert rota.State.CANCELED is left.refresh().state
    assert "2 distributions, 3 files" in capsys.readouterr().out


def test_a_tolerated_difference_is_reported_and_exits_zero(
    demo: ModuleType, two: SitePackages, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--tolerate` names files that may differ; they are shown all the same."""
    file = two.write("alpha/core.py", b"")

    assert 0 == demo.main(["--path", str(two.folder), "--tolerate", "*/core.py"])

    assert f"tolerated: changed {file} (alpha 1.0)" in capsys.readouterr().out


def test_certificates_are_tolerated_unless_asked_otherwise(demo: ModuleType, site: SitePackages) -> None:
    """The default covers what administrators do; an empty pattern covers nothing."""
    site.install("certs", {"certs/cacert.pem": b"one authority"})
    site.write("certs/cacert.pem", b"two authorities")

    assert 0 == demo.main(["--path", str(site.folder)])
    assert 1 == demo.main(["--path", str(site.folder), "--tolerate", ""])


def test_an_audit_that_fails_exits_one(
    demo: ModuleType, two: SitePackages, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was not audited is no success."""

    def fail(metadata: Path) -> None:
        raise RuntimeError(f"no luck with {metadata.name}")

    monkeypatch.setattr("jobs.read_record", fail)

    assert 1 == demo.main(["--path", str(two.folder)])

    out = capsys.readouterr().out
    assert f"NOT AUDITED: {two.folder / 'beta-1.0.dist-info'}" in out
    assert "no luck with beta-1.0.dist-info" in out


@pytest.mark.parametrize("arguments", [["--path", "{empty}"], ["--path", "{empty}/none"], ["--store", "nowhere://"]])
def test_wrong_usage_exits_two_with_a_message_on_stderr(
    demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """A folder without packages, none at all, and a store that nobody provides."""
    assert 2 == demo.main([one.format(empty=tmp_path) for one in arguments])

    out, err = capsys.readouterr()
    assert ("", True) == (out, "Error: " in err)


def test_names_from_a_record_are_shown_harmless(
    demo: ModuleType, site: SitePackages, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither markup nor control characters in a name reach the terminal."""
    site.install("alpha", FILES, more="[red]\x1b[2J.py,sha256=abc,1\n")

    assert 1 == demo.main(["--path", str(site.folder)])

    assert "[red]\\x1b[2J.py" in capsys.readouterr().out


def test_many_findings_are_cut_short(demo: ModuleType, site: SitePackages, capsys: pytest.CaptureFixture[str]) -> None:
    """A distribution that is gone as a whole doesn't fill the screen."""
    site.install("alpha", {}, more="".join(f"{number}.py,sha256=abc,1\n" for number in range(50)))

    assert 1 == demo.main(["--path", str(site.folder)])

    out = capsys.readouterr().out
    assert (20, True) == (out.count("\n  missing: "), "and 30 more" in out)


# ---- one audit -------------------------------------------------------------------------------------


def test_an_audit_counts_files_and_bytes(demo: ModuleType, two: SitePackages) -> None:
    """The result is data: what was looked at, how much, and what was found."""
    found = audit(demo, two.folder / "alpha-1.0.dist-info")

    assert ("alpha 1.0", 2, 12, ()) == (found.distribution, found.files, found.size_bytes, found.findings)


def test_files_outside_the_tree_are_compared(demo: ModuleType, site: SitePackages, tmp_path: Path) -> None:
    """Scripts lie beside the tree (../../bin/x), and a RECORD may name an absolute path."""
    absolute = tmp_path / "etc" / "alpha.conf"
    metadata = site.install("alpha", {"../../../bin/alpha": b"#!python\n", str(absolute): b"x = 1\n"})
    assert (2, ()) == (audit(demo, metadata).files, audit(demo, metadata).findings)

    (tmp_path / "bin" / "alpha").write_bytes(b"#!sh\n")
    absolute.unlink()

    found = [(one.file, one.what) for one in audit(demo, metadata).findings]
    assert [(str(tmp_path / "bin" / "alpha"), "changed"), (str(absolute), "missing")] == found


@pytest.mark.parametrize(
    "line", ["only-a-path", "a,b,c,d", "core.py,md5=abc,1", "core.py,sha256,1", 'core.py,"sha256=abc,1']
)
def test_an_unreadable_line_of_record_is_a_finding(demo: ModuleType, site: SitePackages, line: str) -> None:
    """A line that can't say how a file should be is no reason to trust that file; the others are compared."""
    metadata = site.install("alpha", FILES, more=f"{line}\n")

    found = audit(demo, metadata)

    assert 2 == found.files
    assert ["unreadable"] == [one.what for one in found.findings]
    assert found.findings[0].file.startswith(f"{metadata / 'RECORD'}:")


def test_a_record_that_is_not_utf8_is_read_as_far_as_it_goes(demo: ModuleType, site: SitePackages) -> None:
    """A name that can't be decoded is missing; the rest counts."""
    metadata = site.install("alpha", FILES)
    (metadata / "RECORD").write_bytes((metadata / "RECORD").read_bytes() + b"\xff.py,sha256=abc,1\n")

    assert ["missing"] == [one.what for one in audit(demo, metadata).findings]


def test_a_record_that_cannot_be_opened_is_a_finding(demo: ModuleType, site: SitePackages) -> None:
    """A RECORD that is a folder was no installer's work."""
    (site.folder / "alpha-1.0.dist-info" / "RECORD").mkdir(parents=True)

    assert ["unreadable"] == [one.what for one in audit(demo, site.folder / "alpha-1.0.dist-info").findings]


def test_other_forms_of_a_hash_are_understood(demo: ModuleType, site: SitePackages) -> None:
    """Hexadecimal digits, padding, and the longer algorithms of the family."""
    hexadecimal = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    long = "7iaw3Ur350mqGo7jwQrpkj9hiYB3Lkc_iBml1JQODbJ6wYX4oOHV-E-IvIh_1nsUNzLDBMxfqa2Ob1f1ACio_w=="
    more = f"hex.txt,sha256={hexadecimal},4\nlong.txt,sha512={long},4\n"
    for name in ("hex.txt", "long.txt"):
        site.write(name, b"test")

    found = audit(demo, site.install("alpha", {}, more=more))

    assert (2, ()) == (found.files, found.findings)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_place_of_a_file_is_missing_and_not_waited_for(demo: ModuleType, two: SitePackages) -> None:
    """What is no regular file is not read."""
    (two.folder / "beta.py").unlink()
    os.mkfifo(two.folder / "beta.py")

    assert ["missing"] == [one.what for one in audit(demo, two.folder / "beta-1.0.dist-info").findings]


def test_a_canceled_audit_ends_before_the_next_file(
    demo: ModuleType, two: SitePackages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job asks between files whether it should go on."""
    from record import Entry

    begun, compared = Event(), list[Path]()

    def compare(entry: Any) -> tuple[int, None]:
        compared.append(entry.file)
        begun.set()
        wait_until(lambda: rota.Context.current().cancel_requested, 10, "the request to cancel")
        return 0, None

    monkeypatch.setattr(Entry, "compare", compare)
    with rota.Manager("memory://", jobs=[demo.jobs]) as manager, manager.worker(concurrency=1):
        one = manager.schedule(demo.audit.call(str(two.folder / "alpha-1.0.dist-info")))
        assert begun.wait(10)
        one.cancel()
        ended = one.join(10)

    assert (rota.State.CANCELED, 1) == (ended.state, len(compared))


# ---- finding distributions -------------------------------------------------------------------------


def test_a_folder_is_searched_once_and_the_longest_record_comes_last(
    demo: ModuleType, two: SitePackages, tmp_path: Path
) -> None:
    """Two names of one folder are one folder; remains of an interrupted uninstall are no distribution."""
    (tmp_path / "link").symlink_to(two.folder)
    (two.folder / "~amma-1.0.dist-info").mkdir()

    found = demo.find_distributions([tmp_path / "link", two.folder])

    assert ["beta-1.0.dist-info", "alpha-1.0.dist-info"] == [one.name for one in found]
    assert {two.folder.resolve()} == {one.parent for one in found}


def test_the_folders_of_this_interpreter_and_of_its_base_are_found(demo: ModuleType) -> None:
    """Where pytest itself is installed, and what lies behind the virtual environment."""
    found = [folder.resolve() for folder in demo.site_packages()]

    assert Path(pytest.__file__).parents[1].resolve() in found
    assert any(folder.is_relative_to(Path(sys.base_prefix).resolve()) for folder in found)
