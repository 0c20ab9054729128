"""What ran, how it ended and how long it took, read from the history that the store keeps."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import Any

import rota


@dataclass
class Summary:
    """The runs of one kind. Each attempt is a run."""

    instances: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def percentile(self, percent: int) -> float:
        """The run time, in seconds, that so many percent of the runs did not exceed."""
        return sorted(self.seconds)[ceil(len(self.seconds) * percent / 100) - 1]


def summarize(instances: Iterable[rota.Instance[Any]]) -> dict[str, Summary]:
    """A summary for each kind."""
    found: dict[str, Summary] = {}
    for instance in instances:
        summary = found.setdefault(instance.kind, Summary())
        summary.instances += 1
        for start, end in pairwise(instance.history()):
            if start.state is rota.State.PROCESSING and end.reason != "released":  # handed back, to run later
                summary.outcomes[end.state.value] += 1
                summary.seconds.append((end.at - start.at).total_seconds())
    return found
