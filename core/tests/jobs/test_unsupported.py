"""What this version has not got is refused, by name, and never ignored."""

from collections.abc import Callable
from typing import Any

import pytest

from rota import Jobs, Manager, chain, chord, group
from rota.model.errors import UnsupportedFeature


def work(value: int = 0) -> int:
    """A job."""
    return value


_JOB = Jobs().job(work)


@pytest.mark.parametrize(
    ("ask", "feature", "said"),
    [
        (lambda: _JOB.options(depends_on=[_JOB.call()]), "dependencies", "depends_on"),
        (lambda: _JOB.options(on_parent_failure="run"), "dependencies", "on_parent_failure"),
        (lambda: _JOB.call().output, "dependencies", "Call.output"),
        (lambda: group([_JOB.call()]), "dependencies", "group"),
        (lambda: chain(_JOB.call(), _JOB), "dependencies", "chain"),
        (lambda: chord([_JOB.call()], _JOB), "dependencies", "chord"),
    ],
)
def test_feature_that_is_not_there_is_refused_by_name(ask: Callable[[], Any], feature: str, said: str) -> None:
    """`feature` names it for programs, the message for people."""
    with pytest.raises(UnsupportedFeature, match=said) as refused:
        ask()
    assert feature == refused.value.feature


def test_defaults_of_these_options_are_fine() -> None:
    """Saying that nothing is wanted asks for nothing."""
    assert "work" == Jobs().job(limits=())(work).options(depends_on=(), on_parent_failure="cancel").kind


def test_executor_that_no_plugin_brings_is_refused_when_a_worker_starts() -> None:
    """Until then a client may define what only other machines can run."""
    from rota import PluginError

    with Manager("memory://") as manager:
        manager.job(executor="gpu")(work)
        with pytest.raises(PluginError, match="gpu"):
            manager.worker().start()
