"""The jobs: the audit of one distribution, and three that show what else a queue does."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from distributions import name_and_version
from record import Finding, read_record
from screen import Screen

import rota

jobs = rota.Jobs()

STEP = 1000  # files between two reports of progress


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit of one distribution found. Results are data: they come back from any store as they were."""

    metadata: str
    files: int
    size_bytes: int
    findings: tuple[Finding, ...]
    began_ns: int  # on this machine's monotonic clock

    @property
    def distribution(self) -> str:
        """Name and version."""
        return " ".join(name_and_version(Path(self.metadata))).strip()

    @property
    def verifiable(self) -> bool:
        """False when no hash was recorded."""
        return self.files > 0 or bool(self.findings)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the demo, among those that a store remembers."""

    since: datetime

    def query(self, **selection: Any) -> rota.Query:
        """What it scheduled."""
        return rota.Query(since=self.since, **selection)


@jobs.job(timeout=120)
def audit(ctx: rota.Context, metadata: str) -> Audit:
    """Compare every file of a distribution with the hash in its RECORD."""
    began_ns = time.monotonic_ns()
    entries, unreadable = read_record(Path(metadata))
    findings, size_bytes = list(unreadable), 0
    ctx.log.info("%s: %s files with a recorded hash", Path(metadata).stem, f"{len(entries):,}")
    for number, entry in enumerate(entries, 1):
        ctx.check()  # raises JobCanceled when somebody cancels, or time is up
        size, finding = entry.compare()
        size_bytes += size
        if finding is not None:
            findings.append(finding)
            ctx.log.info("%s: %s", finding.what, finding.file)
        if number % STEP == 0:
            ctx.progress(number / len(entries))
            ctx.log.info("%s of %s files, %.1f MB", f"{number:,}", f"{len(entries):,}", size_bytes / 1e6)
    ctx.log.info("%.1f MB compared, %s findings", size_bytes / 1e6, len(findings) or "no")
    return Audit(metadata, len(entries), size_bytes, tuple(findings), began_ns)


@jobs.job(recurring=rota.Every(0.5), priority=0)
async def heartbeat(ctx: rota.Context) -> None:
    """Say twice a second how far the audit is; asked of the store, so it would be true of many workers as well."""
    run = ctx.resource(Run)
    total = await ctx.client.acount(run.query(kind="audit"))
    done = await ctx.client.acount(run.query(kind="audit", state=rota.State.COMPLETED))
    ctx.resource(Screen).say(f"heartbeat: {done} of {total} distributions audited")


@jobs.job(retry=rota.Retry(2, backoff=0.4, on=(ConnectionError,)))
def flaky(ctx: rota.Context) -> str:
    """Fail twice, by design. Between attempts it waits in the queue and holds no slot."""
    if ctx.attempt < 3:
        raise ConnectionError(f"attempt {ctx.attempt} fails by design")
    return "third time lucky"


@jobs.job
def patient(ctx: rota.Context) -> None:
    """Wait for an hour, or until somebody cancels it."""
    ctx.log.info("waiting for an hour")
    ctx.wait(3600)
