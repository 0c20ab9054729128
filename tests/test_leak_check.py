"""The leak check of the root conftest sees what it is there for."""

from pathlib import Path

import pytest

_CHECK = Path(__file__).parent.parent / "conftest.py"


def test_leaks_are_left_by_tests_each_is_an_error_that_names_it(pytester: pytest.Pytester) -> None:
    """A thread that outlives its test, ours or not a daemon, and an open file each fail the test that left it."""
    pytester.makeconftest(_CHECK.read_text())
    pytester.makeini("[pytest]\nleak_grace_s = 0")
    pytester.makepyfile("""
        import threading

        release, kept = threading.Event(), []

        def start(name, daemon):
            threading.Thread(target=release.wait, name=name, daemon=daemon).start()

        def test_ours(): start("rota-dispatcher", True)
        def test_no_daemon(): start("pool", False)
        def test_foreign_daemon(): start("feeder", True)
        def test_file(): kept.append(open(__file__))
        def test_release(): release.set()
        def test_clean(): open(__file__).close()
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=6, errors=3)
    for leak in ("thread rota-dispatcher", "thread pool", "descriptor * (*.py)"):
        result.stdout.fnmatch_lines(f"*left behind: {leak}*")


def test_thread_ends_within_the_grace_time_passes(pytester: pytest.Pytester) -> None:
    """What is still on its way out when the test ends is waited for."""
    pytester.makeconftest(_CHECK.read_text())
    pytester.makepyfile("""
        import threading

        def test_slow_to_go(): threading.Timer(0.05, lambda: None).start()
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
