"""What attempts hand in: outcomes and log lines, gathered and written to the store in batches."""

import logging
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from rota.model.errors import StoreUnavailable
from rota.model.records import LogRecord, Outcome, SettleAnswer
from rota.runtime.attempt import Attempt
from rota.store.contract import Store

__all__ = ["Outbox"]

_log = logging.getLogger("rota.worker")

MAX_GATHERED: Final = 200

Settled = Callable[[list[tuple[Attempt, Outcome]], list[SettleAnswer]], None]


class Outbox:
    """Group commit without a timer: while one batch is being written the next one gathers, so a lone outcome
    is not delayed. Lines go before the outcomes, so that a final instance has its whole log."""

    def __init__(self, settled: Settled) -> None:
        self._queue: SimpleQueue[tuple[Attempt, Outcome] | LogRecord | None] = SimpleQueue()
        self._settled = settled
        self._unwritten: tuple[list[LogRecord], list[tuple[Attempt, Outcome]]] = [], []
        self._closing = False

    def put(self, attempt: Attempt, outcome: Outcome) -> None:
        """Hand in the end of an attempt."""
        self._queue.put((attempt, outcome))

    def put_line(self, line: LogRecord) -> None:
        """Hand in a log line or progress."""
        self._queue.put(line)

    @property
    def is_empty(self) -> bool:
        """True when a step would wait."""
        return self._queue.empty() and not any(self._unwritten)

    def close(self) -> None:
        """Let `step` end the writing once everything before this is written."""
        self._queue.put(None)

    def step(self, store: Store) -> bool:
        """Write one batch, waiting for the first of it; False once closed and empty.

        Raises StoreUnavailable; the batch is kept, and the next step writes it again.
        """
        lines, ended = self._unwritten
        if not lines and not ended:
            self._gather()
        if lines:
            _append(store, _latest(lines))
            lines.clear()
        if ended:
            answers = _settle(store, [outcome for _, outcome in ended])
            batch = ended.copy()
            ended.clear()
            self._settled(batch, answers)
        return not self._closing

    def _gather(self) -> None:
        lines, ended = self._unwritten
        queue = self._queue
        items = [queue.get()]
        while len(items) < MAX_GATHERED and not queue.empty():  # nobody else takes from it
            items.append(queue.get())
        for item in items:
            if item is None:
                self._closing = True
            elif isinstance(item, LogRecord):
                lines.append(item)
            else:
                ended.append(item)


def _settle(store: Store, outcomes: list[Outcome]) -> list[SettleAnswer]:
    """Settle all; when the store can't take one of them, the others are settled all the same."""
    try:
        return store.settle(outcomes)
    except StoreUnavailable:
        raise
    except Exception:  # noqa: BLE001 - a record that the store can't take must not stop the others
        if len(outcomes) == 1:
            _log.exception("the store can't settle the attempt of %s: the audit will give it back", outcomes[0].id)
            return [SettleAnswer("lost", None)]
        return [answer for outcome in outcomes for answer in _settle(store, [outcome])]


def _append(store: Store, lines: list[LogRecord]) -> None:
    """Write all; when the store can't take one of them, the others are written all the same."""
    try:
        store.append_logs(lines)
    except StoreUnavailable:
        raise
    except Exception:  # noqa: BLE001 - a record that the store can't take must not stop the others
        if len(lines) == 1:
            _log.exception("the store can't keep line %d of %s: it is left out", lines[0].n, lines[0].id)
            return
        for line in lines:
            _append(store, [line])


def _latest(lines: list[LogRecord]) -> list[LogRecord]:
    """The lines, with only the last progress of each attempt."""
    last = {(line.id, line.token): line.n for line in lines if line.progress is not None}
    return [line for line in lines if line.progress is None or last[line.id, line.token] == line.n]
