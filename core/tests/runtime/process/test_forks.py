"""A job that forks its child: the copy goes on as the child does, and is nobody's child."""

import pytest

from rota import Manager, State

WAIT_S = 60


@pytest.mark.parametrize("how", ["returns", "exits"])
def test_answers_of_a_forked_copy_are_nobodys(manager: Manager, how: str) -> None:
    """Neither the job's, nor of those that the same child runs next: each has its own result."""
    with manager.worker(concurrency=1):
        one = manager["forks"].schedule(how)
        assert 1 == one.result(WAIT_S)
        following = [manager["tells"].schedule(number) for number in range(20)]
        assert list(range(20)) == [each.result(WAIT_S)["arguments"]["number"] for each in following]
    assert [State.CREATED, State.SCHEDULED, State.PROCESSING, State.COMPLETED] == [
        entry.state for entry in one.history()
    ]
    assert [] == [line.message for line in one.logs()]
