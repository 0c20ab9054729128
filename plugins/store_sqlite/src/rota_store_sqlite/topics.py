"""What a blocked call may wait for: the topics of the doorbell."""

from typing import Final

__all__ = ["CHANGES", "ENDED", "LINES", "WORK", "WORKER"]

WORK: Final = 1  #: something may be claimed
ENDED: Final = 2  #: an instance is final, or gone
WORKER: Final = 4  #: a worker is asked for something
LINES: Final = 8  #: an instance logged, or ended
CHANGES: Final = 16  #: a state changed
