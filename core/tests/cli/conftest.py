"""Environments with plugin distributions in them."""

import pytest
from core.tests.cli.environments import Runner, environment
from core.tests.cli.projects import SOUND, TROUBLED


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """An environment where every kind of broken plugin is installed at once."""
    folder = tmp_path_factory.mktemp("troubled")
    return environment(folder, [project.write(folder) for project in TROUBLED])


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """An environment where nothing is wrong."""
    folder = tmp_path_factory.mktemp("sound")
    return environment(folder, [project.write(folder) for project in SOUND])
