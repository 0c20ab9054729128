"""What the application has done in the background."""

import re
from collections import Counter
from dataclasses import dataclass

import rota

jobs = rota.Jobs("reports.")


@dataclass(frozen=True)
class Summary:
    """A text in numbers."""

    words: int
    most_frequent: str


@jobs.job(timeout=60, retry=rota.Retry(2, backoff=30, on=(OSError,)))
def summarize(ctx: rota.Context, text: str) -> Summary:
    """Count the words of a text. Raises ValueError when there are none."""
    words = re.findall(r"\w+", text.lower())
    if not words:
        raise ValueError("the text has no words")
    ctx.progress(0.5, f"{len(words)} words")
    ((most_frequent, _),) = Counter(words).most_common(1)
    return Summary(len(words), most_frequent)
