"""The lines and the progress of instances. What one call appends to one instance stands as one block."""

from collections.abc import Callable, Sequence
from typing import Final

from rota.model.query import LogFilter
from rota.model.records import LogPage, LogRecord
from rota.store.contract import MAX_LOG_BYTES, MAX_LOG_LINES
from rota.store.kv.entry import Line, Lines, Progress, decode, encode
from rota.store.kv.keys import as_bytes, number, number_in
from rota.store.kv.step import Step
from rota.store.ordered_kv import Range
from rota.store.refusals import no_instance

__all__ = ["BLOCKS", "append_logs", "lines_under", "read_logs", "strip"]

BLOCKS: Final = 8  #: blocks that one look takes
_ATTEMPTS: Final = 16  # whose lines are known again
_GAPS: Final = 256


def append_logs(step: Step, instance_id: bytes, lines: Sequence[LogRecord], most_bytes: int) -> None:
    """Keep `lines` of one instance, if it is there."""
    step.load([step.keys.of(letter, instance_id) for letter in (b"i", b"L", b"m")])
    if step.entry(instance_id) is None:
        return
    value = step.get(step.keys.of(b"L", instance_id))
    kept = Lines() if value is None else decode.lines(value)
    fresh = [line for line in lines if _is_new(kept, line) and line.progress is None]
    block = [Line(one.token, one.n, one.at_ms, one.level, one.message, one.attempt) for one in fresh]
    _cut(block, most_bytes)
    if block:
        step.put(lines_under(step, instance_id) + number(kept.end), encode(block))
        kept.end += len(block)
        kept.size += sum(map(_size, block))
        _trim(step, instance_id, kept, block)
        step.put(step.keys.of(b"L", instance_id), encode(kept))
    _keep_progress(step, instance_id, lines)


def lines_under(step: Step, instance_id: bytes) -> bytes:
    """How the keys of its blocks start."""
    return step.keys.of(b"l", instance_id)


def _is_new(kept: Lines, line: LogRecord) -> bool:
    """Whether a line has not come before; from now on it has."""
    ranges = kept.seen.setdefault(line.token, [])
    if any(lowest <= line.n <= highest for lowest, highest in ranges):
        return False
    if line.progress is not None and not ranges:
        return True
    ranges.append((line.n, line.n))
    joined: list[tuple[int, int]] = []
    for lowest, highest in sorted(ranges):
        if joined and joined[-1][1] + 1 >= lowest:
            joined[-1] = joined[-1][0], highest
        else:
            joined.append((lowest, highest))
    kept.seen[line.token] = joined[-_GAPS:]
    while len(kept.seen) > _ATTEMPTS:
        del kept.seen[min(kept.seen)]
    return True


def _size(line: Line) -> int:
    return len(line.message.encode("utf-8", "replace"))


def _cut(block: list[Line], most_bytes: int) -> None:
    """Shorten what no value can hold."""
    for line in block:
        if _size(line) > most_bytes:
            line.message = line.message.encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore")


def _trim(step: Step, instance_id: bytes, kept: Lines, newest: list[Line]) -> None:
    """Drop the oldest lines until the bounds hold; the last one stays whatever its size."""
    prefix, beyond = lines_under(step, instance_id), b""
    while kept.end - kept.first > MAX_LOG_LINES or (kept.size > MAX_LOG_BYTES and kept.end - kept.first > 1):
        (page,) = step.load((), [step.keys.under(prefix, BLOCKS, beyond=beyond)])
        blocks = [(key, decode.block(value)) for key, value, _ in page]
        if len(page) < BLOCKS:
            blocks.append((prefix + number(kept.end - len(newest)), newest))
        for key, block in blocks:
            _drop_first(step, kept, key, number_in(key, len(prefix)), block)
            beyond = key


def _drop_first(step: Step, kept: Lines, key: bytes, position: int, block: list[Line]) -> None:
    for line in block[kept.first - position :]:
        fits = kept.end - kept.first <= MAX_LOG_LINES and kept.size <= MAX_LOG_BYTES
        if fits or kept.end - kept.first <= 1:
            return
        kept.first += 1
        kept.size -= _size(line)
    if kept.first == position + len(block):
        step.delete(key)


def _keep_progress(step: Step, instance_id: bytes, lines: Sequence[LogRecord]) -> None:
    told = [line for line in lines if line.progress is not None]
    if not told:
        return
    newest = max(told, key=lambda line: (line.token, line.n))
    key = step.keys.of(b"m", instance_id)
    value = step.get(key)
    before = None if value is None else decode.progress(value)
    if before is None or (before.token, before.n) < (newest.token, newest.n):
        step.put(key, encode(Progress(newest.token, newest.n, newest.progress or 0.0, newest.message)))


def read_logs(begin: Callable[[], Step], query: LogFilter, namespace: str) -> LogPage:
    """Lines from `query.position` on. Raises: UnknownInstance."""
    step, instance_id = begin(), as_bytes(query.id)
    prefix = lines_under(step, instance_id)
    before = Range(prefix, prefix + number(query.position + 1), 1, reverse=True)
    meta = step.keys.of(b"L", instance_id)
    (page,) = step.load([step.keys.instance(instance_id), meta], [before])
    entry, value = step.entry(instance_id), step.get(meta)
    if entry is None:
        raise no_instance(query.id, namespace)
    kept = Lines() if value is None else decode.lines(value)
    found: list[LogRecord] = []
    position = query.position
    while position < kept.end and len(found) < query.limit:
        for key, block_value, _ in page:
            position = _take(query, found, position, kept.first, number_in(key, len(prefix)), block_value)
        beyond = page[-1].key if page else b""
        if position >= kept.end or len(found) >= query.limit:
            break
        (page,) = step.load((), [step.keys.under(prefix, BLOCKS, beyond=beyond)])
        if not page:
            position = kept.end
    position = max(position, min(kept.end, position) if found else kept.end)
    return LogPage(tuple(found), position, entry.ended_ms is not None and position >= kept.end)


def _take(query: LogFilter, found: list[LogRecord], position: int, first: int, start: int, value: bytes) -> int:
    """Add what a block has from `position` on, and where to go on."""
    for at, line in enumerate(decode.block(value), start):
        if len(found) >= query.limit:
            break
        if at < max(position, first):
            continue
        position = at + 1
        if line.level >= query.min_level:
            found.append(LogRecord(query.id, line.token, line.n, line.at_ms, line.level, line.message, line.attempt))
    return position


def strip(step: Step, instance_id: bytes, most: int) -> tuple[bool, bool]:
    """Remove up to `most` blocks of an instance that stays: whether there was any, and whether that was all."""
    meta = step.keys.of(b"L", instance_id)
    (page,) = step.load([meta], [step.keys.under(lines_under(step, instance_id), most)])
    value = step.get(meta)
    if value is None or not page:
        return False, True
    for found in page:
        step.delete(found.key)
    over = len(page) < most
    if over:
        kept = decode.lines(value)
        step.put(meta, encode(Lines(kept.end, kept.end, 0)))
    return True, over
