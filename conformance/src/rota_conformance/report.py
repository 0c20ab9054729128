"""The report of a run, version 1: what was tested, how, and what came of each requirement."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from textwrap import indent
from typing import Final

import msgspec

from rota.model.errors import ConfigError
from rota.store.url import StoreURL
from rota_conformance.results import Recorded
from rota_conformance.verdict import RequirementResult, Verdict, judge, verdict_of

__all__ = ["SCHEMA", "Report", "report_of"]

SCHEMA: Final = "rota-conformance-report/1"
_SHOWN: Final = 20


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What is written to a file, and published unmodified."""

    schema: str
    suite_version: str
    store: str
    implementation: str
    features: tuple[str, ...]
    clock: str
    profile: str
    seed: int
    environment: dict[str, str]
    reproduce: str
    totals: dict[str, int]
    verdict: Verdict
    duration_s: float
    spoiled: tuple[str, ...]
    results: tuple[RequirementResult, ...]

    def summary(self) -> str:
        """The verdict in words, with what stands in its way."""
        counts = ", ".join(f"{number} {outcome}" for outcome, number in self.totals.items())
        lines = [f"{self.store}: {self.verdict} ({counts}); {self.reproduce}"]
        trouble = [one for one in self.results if one.outcome in ("failed", "not_run") and one.level != "provisional"]
        lines += [f"  {one.id} {one.outcome}: {one.text}\n{indent(one.reason, '      ')}" for one in trouble[:_SHOWN]]
        lines += [f"  spoiled by {one}" for one in self.spoiled[:_SHOWN]]
        lines += [f"  and {len(trouble) - _SHOWN} more"] if len(trouble) > _SHOWN else []
        return "\n".join(lines)

    def to_json(self) -> bytes:
        """The file's content."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> "Report":
        """A report from a file. Raises: ConfigError for what is none."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.MsgspecError as error:
            raise ConfigError(f"this is no report of the conformance suite: {error}") from error


def report_of(
    recorded: Recorded, *, url: str | None, harness: str | None, profile: str, seed: int, pytest_args: Sequence[str]
) -> Report:
    """The report of what a run recorded. No credentials of the URL are in it."""
    results = judge(recorded)
    store = StoreURL.parse(url).redacted if url else ""
    told = [f"--store {store}"] if store else []
    told += [f"--harness {harness}"] if harness else []
    told += [f"--profile {profile}", f"--seed {seed}", *(["--", *pytest_args] if pytest_args else [])]
    spoiled = (
        *(f"a plugin of pytest: {one}" for one in recorded.plugins),
        *(
            f"{test.name}: {test.outcome if test.origin else 'overridden'}"
            for test in recorded.tests
            if test.outcome not in ("passed", "failed") or not test.origin
        ),
    )
    totals: dict[str, int] = {}
    for one in results:
        totals[one.outcome] = totals.get(one.outcome, 0) + 1
    return Report(
        schema=SCHEMA,
        suite_version=_version("rota-conformance"),
        store=store or harness or "",
        implementation=harness or "",
        features=tuple(sorted(recorded.capabilities.features)),
        clock=recorded.capabilities.clock,
        profile=profile,
        seed=seed,
        environment=_environment(),
        reproduce=f"rota conformance run {' '.join(told)}",
        totals=totals,
        verdict=verdict_of(results, spoiled),
        duration_s=round(recorded.duration_s, 3),
        spoiled=spoiled,
        results=tuple(results),
    )


def _environment() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "cpus": str(os.cpu_count() or 0),
        **{name: _version(name) for name in ("rota-core", "hypothesis", "pytest")},
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "unknown"
