"""The verdict: what is not as recorded, and what to do about it."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from distributions import name_and_version
from jobs import Audit
from record import Finding

MOST_FINDINGS = 20  # shown of one distribution


class Verdict:
    """Weighs the findings: files that match one of the patterns `tolerated` may differ."""

    def __init__(self, audits: Sequence[Audit], tolerated: Sequence[str]) -> None:
        self._audits = audits
        self._patterns = tolerated
        self._damaged = [one for one in audits if not all(map(self._tolerates, one.findings))]

    @property
    def clean(self) -> bool:
        """True when every file is as recorded, but for the tolerated ones."""
        return not self._damaged

    def lines(self) -> Iterator[tuple[str, str]]:
        """The text, line by line, each with its style."""
        files, size_bytes = (sum(getattr(one, name) for one in self._audits) for name in ("files", "size_bytes"))
        yield f"{len(self._audits):,} distributions, {files:,} files, {size_bytes / 1e6:,.1f} MB compared", ""
        if unknown := [one.distribution for one in self._audits if not one.verifiable]:
            yield f"{len(unknown)} not verifiable, since their hashes were not recorded: {', '.join(unknown)}", ""
        for audit in self._audits:
            for finding in filter(self._tolerates, audit.findings):
                yield f"tolerated: {finding.what} {finding.file} ({audit.distribution})", "yellow"
        for audit in self._damaged:
            yield from _damage(audit, [one for one in audit.findings if not self._tolerates(one)])
        if self.clean:
            which = "every other file" if any(one.findings for one in self._audits) else "every file"
            yield f"{which} is as it was installed", "bold green"

    def _tolerates(self, finding: Finding) -> bool:
        return any(fnmatch(finding.file, pattern) for pattern in self._patterns)


def _damage(audit: Audit, findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    name, version = name_and_version(Path(audit.metadata))
    yield "", ""
    yield f"NOT AS INSTALLED: {audit.distribution} in {Path(audit.metadata).parent}", "bold red"
    for finding in findings[:MOST_FINDINGS]:
        yield f"  {finding.what}: {finding.file}", "red"
        for label, text in (("expected", finding.recorded), ("found", finding.found)):
            if text:
                yield f"    {label:<9}{text}", ""
    if len(findings) > MOST_FINDINGS:
        yield f"  and {len(findings) - MOST_FINDINGS:,} more", "red"
    yield "  What to do: if nobody meant to change this, find out who did; then, with the Python it belongs to,", ""
    yield f"  python -m pip install --force-reinstall --no-deps {name}=={version}", "bold"
