"""The lines and the progress of instances."""

from collections.abc import Callable, Sequence
from typing import Final

from rota.model.query import LogFilter
from rota.model.records import LogPage, LogRecord
from rota.store.contract import MAX_LOG_BYTES, MAX_LOG_LINES
from rota.store.kv.blocks import Block, blocks_from, lines_under, put_block
from rota.store.kv.entry import Line, Lines, Progress, decode, encode
from rota.store.kv.keys import as_bytes, number, number_in
from rota.store.kv.step import Step
from rota.store.ordered_kv import Range
from rota.store.refusals import no_instance

__all__ = ["append_logs", "read_logs", "strip"]

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
        put_block(step, lines_under(step, instance_id), kept.end, block)
        kept.end += len(block)
        kept.size += sum(map(_size, block))
        _trim(step, instance_id, kept, block)
        step.put(step.keys.of(b"L", instance_id), encode(kept))
    _keep_progress(step, instance_id, lines)


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
    if not _is_over(kept):
        return
    fresh_at = kept.end - len(newest)
    for block in blocks_from(step, lines_under(step, instance_id), kept.block, fresh_at):
        _drop_first(step, kept, block)
    _drop_first(step, kept, Block(fresh_at, [], newest))


def _is_over(kept: Lines) -> bool:
    number_of_lines = kept.end - kept.first
    return number_of_lines > 1 and (number_of_lines > MAX_LOG_LINES or kept.size > MAX_LOG_BYTES)


def _drop_first(step: Step, kept: Lines, block: Block) -> None:
    for line in block.lines[kept.first - block.position :]:
        if not _is_over(kept):
            return
        kept.first += 1
        kept.size -= _size(line)
    for key in block.keys:
        step.delete(key)
    kept.block = block.position + len(block.lines)


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
    prefix, meta = lines_under(step, instance_id), step.keys.of(b"L", instance_id)
    before = Range(prefix, prefix + number(query.position + 1), 1, reverse=True)
    (page,) = step.load([step.keys.instance(instance_id), meta], [before])
    entry, value = step.entry(instance_id), step.get(meta)
    if entry is None:
        raise no_instance(query.id, namespace)
    kept = Lines() if value is None else decode.lines(value)
    position = max(query.position, kept.first)
    found: list[LogRecord] = []
    if position < kept.end and query.limit > 0:
        start = number_in(page[0].key, len(prefix)) if page else kept.block
        for block in blocks_from(step, prefix, start, kept.end):
            position = _take(query, found, position, block)
            if len(found) >= query.limit:
                break
        else:
            position = kept.end
    return LogPage(tuple(found), position, entry.ended_ms is not None and position >= kept.end)


def _take(query: LogFilter, found: list[LogRecord], position: int, block: Block) -> int:
    """Add what a block has from `position` on; where to go on."""
    for at, line in enumerate(block.lines, block.position):
        if len(found) >= query.limit:
            break
        if at < position:
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
        step.put(meta, encode(Lines(kept.end, kept.end, 0, kept.end)))
    return True, over
