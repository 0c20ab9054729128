"""All that starts with a prefix, page by page."""

from collections.abc import Iterator
from typing import Final

from rota.store.kv.step import Step
from rota.store.ordered_kv import Found

__all__ = ["all_under"]

_PAGE: Final = 1_000


def all_under(step: Step, prefix: bytes) -> Iterator[Found]:
    """Every key, in order. One round trip a thousand."""
    beyond = b""
    while True:
        (page,) = step.load((), [step.keys.under(prefix, _PAGE, beyond=beyond)])
        yield from page
        if len(page) < _PAGE:
            return
        beyond = page[-1].key
