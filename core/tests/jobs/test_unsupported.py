"""What this version has not got is refused, by name, and never ignored."""

import pytest

from rota import Manager


def work(value: int = 0) -> int:
    """A job."""
    return value


def test_executor_that_no_plugin_brings_is_refused_when_a_worker_starts() -> None:
    """Until then a client may define what only other machines can run."""
    from rota import PluginError

    with Manager("memory://") as manager:
        manager.job(executor="gpu")(work)
        with pytest.raises(PluginError, match="gpu"):
            manager.worker().start()
