"""The pytest plugin of the suite: its fixtures, and what becomes of every test, for the verdict.

It is loaded by `rota_conformance.running` with `-p`, and is no entry point of pytest: nothing happens to other tests.
"""

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from rota.model.errors import RotaError
from rota.store.contract import StoreCapabilities
from rota_conformance.harness import StoreHarness, harness_from
from rota_conformance.lab import Lab
from rota_conformance.profiles import PROFILES, Profile
from rota_conformance.requirements import REQUIREMENTS, Requirement
from rota_conformance.results import Recorded, TestRecord

__all__ = ["proves"]

#: `@proves("CLM-1")`: a test of the suite says which requirements it proves.
proves: Final = pytest.mark.proves

#: Packages whose plugins are loaded in each run.
_OWN: Final = ("pytest", "_pytest", "rota_conformance")
_SUITE: Final = Path(__file__).parent / "suite"
_RECORDER: Final = pytest.StashKey["_Recorder"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the runner passes on."""
    group = parser.getgroup("rota")
    group.addoption("--rota-store", default=None, help="the URL of the store")
    group.addoption("--rota-harness", default=None, help="package.module:Class of its harness")
    group.addoption("--rota-profile", default="dev", choices=sorted(PROFILES))
    group.addoption("--rota-seed", default=0, type=int)
    group.addoption("--rota-record", default=None, help="where to write what became of the tests")


def pytest_configure(config: pytest.Config) -> None:
    """Open the store once, to learn what it declares; without a store there is nothing to test."""
    config.addinivalue_line("markers", "proves(*ids): the requirements that a test proves")
    try:
        config.stash[_RECORDER] = recorder = _Recorder(config)
    except RotaError as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(recorder, "rota-recorder")


class _Recorder:
    """Collects, per test, what it proves, whether it was called, and what came of it."""

    def __init__(self, config: pytest.Config) -> None:
        option = config.option
        self.harness = harness_from(url=option.rota_store, reference=option.rota_harness)
        self.profile = PROFILES[option.rota_profile]
        self.seed: int = option.rota_seed
        self._target = option.rota_record
        self._started = time.monotonic()
        lab = Lab(self.harness)
        self.capabilities: StoreCapabilities = lab.capabilities
        lab.close()
        self._records: dict[str, TestRecord] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
        """Note every test before anybody else may take one away, and leave out what can't apply here."""
        wanted = [item for item in items if self._applies(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        for item in wanted:
            self._records[item.nodeid] = TestRecord(item.nodeid, _ids_of(item), origin=_origin(item))
        items[:] = wanted
        yield

    def _applies(self, item: pytest.Item) -> bool:
        return all(self.applies(REQUIREMENTS[one]) for one in _ids_of(item))

    def applies(self, requirement: Requirement) -> bool:
        """Whether the store declares what it is about, and the harness offers what it needs."""
        declared = requirement.feature is None or requirement.feature in self.capabilities.features
        return declared and offers(self.harness, requirement.needs)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
        """Note the outcome of each phase; the worst counts."""
        report: Any = yield
        record = self._records.get(item.nodeid)
        if record is not None:
            if not _origin(item):
                record.origin = ""  # replaced after it was collected
            record.note(report.when, report.outcome, report.duration, _reason(report), hasattr(report, "wasxfail"))
        return report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write it down."""
        self.harness.close()
        if self._target is None:
            return
        recorded = Recorded(
            capabilities=self.capabilities,
            offered=sorted(
                {one.needs for one in REQUIREMENTS.values() if one.needs and offers(self.harness, one.needs)}
            ),
            duration_s=time.monotonic() - self._started,
            tests=list(self._records.values()),
            plugins=_foreign(session.config.pluginmanager),
        )
        Path(self._target).write_bytes(msgspec.json.encode(recorded))


def _foreign(manager: pytest.PytestPluginManager) -> list[str]:
    """Plugins that somebody else brought: they can do anything to a test, unseen."""
    modules = {
        getattr(plugin, "__name__", None) or type(plugin).__module__
        for _, plugin in manager.list_name_plugin()
        if plugin is not None
    }
    return sorted(one for one in modules if one.partition(".")[0] not in _OWN)


def offers(harness: StoreHarness, need: str | None) -> bool:
    """Whether the harness can do what a requirement needs: it has a method of its own for it."""
    return need is None or getattr(type(harness), need) is not getattr(StoreHarness, need)


def _ids_of(item: pytest.Item) -> tuple[str, ...]:
    return tuple(one for mark in item.iter_markers("proves") for one in mark.args)


def _origin(item: pytest.Item) -> str:
    """The file of the suite that the test's code is in; empty for code from elsewhere, which proves nothing."""
    code = getattr(getattr(item, "function", None), "__code__", None)
    hypothesis = getattr(getattr(item, "function", None), "hypothesis", None)
    inner = getattr(getattr(hypothesis, "inner_test", None), "__code__", code)
    path = Path(getattr(inner, "co_filename", ""))
    return path.name if path.parent == _SUITE and path.stem == item.path.stem else ""


def _reason(report: pytest.TestReport) -> str:
    if report.outcome == "passed":
        return ""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    return str(report.longrepr or "")


@pytest.fixture(scope="session")
def harness(request: pytest.FixtureRequest) -> StoreHarness:
    """The harness of the store under test."""
    return request.config.stash[_RECORDER].harness


@pytest.fixture(scope="session")
def profile(request: pytest.FixtureRequest) -> Profile:
    """How much is to be tried."""
    return request.config.stash[_RECORDER].profile


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """What makes a run repeatable."""
    return request.config.stash[_RECORDER].seed


@pytest.fixture
def lab(harness: StoreHarness, seed: int) -> Iterator[Lab]:
    """A fresh namespace, looked over once its test is done: what was stored is gone after a clear."""
    lab = Lab(harness, seed)
    before = harness.dump(lab.namespace)
    try:
        yield lab
    finally:
        lab.close()
    assert before == harness.dump(lab.namespace), "keys are left after the namespace was cleared"
