"""`clear`: remove everything in a namespace."""

from typing import Final

from rota.store.kv.keys import CLEARED, Keys
from rota.store.ordered_kv import OrderedKV

__all__ = ["clear"]

_SLICE: Final = 256  # values come along with the keys


def clear(kv: OrderedKV, keys: Keys) -> None:
    """Remove it slice by slice until one look finds nothing, then let every blocked call look again."""
    everything = keys.under(keys.all, min(kv.max_ops, _SLICE))
    while True:
        _, _, (page,) = kv.read((), [everything])
        if not page:
            break
        kv.commit({found.key: found.revision for found in page}, {}, [found.key for found in page])
    kv.commit({}, {keys.of(CLEARED): b""}, ())
    kv.commit({}, {}, [keys.of(CLEARED)])
