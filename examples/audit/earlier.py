"""What earlier runs of the demo left in a store that lasts."""

from collections.abc import Iterator

from jobs import Audit

import rota


def earlier_runs(manager: rota.Manager) -> Iterator[str]:
    """How many there were, what they did, and how the last audit ended, line by line; nothing when there were none."""
    runs = manager.count(rota.Query(kind="patient"))  # every run has one
    if not runs:
        return
    audits, done = (manager.count(rota.Query(kind="audit", state=state)) for state in (None, rota.State.COMPLETED))
    yield f"Found {runs} earlier run{'s' * (runs > 1)} in this store: {audits:,} audits, {done:,} of them completed"
    for last in manager.find(rota.Query(kind="audit", state=rota.State.COMPLETED), limit=1):
        yield f"the one scheduled last, {last.id}, ended {last.ended_at:%Y-%m-%d %H:%M:%S} UTC: {_told(last.result())}"
    yield ""


def _told(found: Audit) -> str:
    return f"{found.distribution}, {found.files:,} files, {len(found.findings) or 'no'} findings"
