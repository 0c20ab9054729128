"""`purge`: remove finished instances with all that belongs to them."""

from collections.abc import Sequence

from rota.store.histories import FINAL
from rota.store.kv.blocks import BLOCKS, lines_under
from rota.store.kv.dependents import free_parents
from rota.store.kv.finished import Ended
from rota.store.kv.keys import number, text
from rota.store.kv.step import Step

__all__ = ["purge"]


def purge(step: Step, part: Sequence[Ended]) -> tuple[int, list[bytes]]:
    """Remove those of `part` that are still there: how many, and which of them stay because they have more lines than
    one commit takes. What a line may still be appended to is checked, so that none stays behind."""
    ids = [one.id for one in part]
    keys = [step.keys.of(letter, one) for one in ids for letter in (b"i", b"L", b"m")]
    pages = step.load(keys, [step.keys.under(lines_under(step, one), BLOCKS) for one in ids])
    free = set(free_parents(step, ids))
    removed, long = 0, []
    for ended, blocks in zip(part, pages, strict=True):
        entry = step.entry(ended.id)
        if entry is None or entry.state not in FINAL or ended.id not in free:
            continue
        if len(blocks) == BLOCKS:
            long.append(ended.id)
            continue
        step.get(step.keys.of(b"L", ended.id))
        step.counts[entry.record.kind, entry.state] -= 1
        for found in blocks:
            step.delete(found.key)
        _remove(step, ended)
        removed += 1
    return removed, long


def _remove(step: Step, ended: Ended) -> None:
    for letter in (b"L", b"m"):
        step.delete(step.keys.of(letter, ended.id))
    step.delete(step.keys.of(b"k", text(ended.kind), ended.id))
    step.delete(step.keys.of(b"f", text(ended.kind), number(ended.ended_ms), ended.id))
    step.forget(ended.id)
