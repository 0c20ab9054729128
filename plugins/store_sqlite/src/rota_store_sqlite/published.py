"""What workers publish of their kinds."""

from collections.abc import Sequence
from typing import Final

import msgspec

from rota.model.records import KindDescriptor
from rota_store_sqlite.entry import encode
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Kind, Step
from rota_store_sqlite.topics import WORK

__all__ = ["published_kinds", "put_kinds"]

_LANE: Final = statements("lane")
_NAMESPACE: Final = statements("namespace")
_decode: Final = msgspec.msgpack.Decoder(KindDescriptor).decode


def put_kinds(step: Step, descriptors: Sequence[KindDescriptor]) -> None:
    """Publish kinds. Where limits are others than before, every lane of the kind is looked at. O(lanes) then."""
    for descriptor in descriptors:
        kind = step.made_kind(descriptor.kind)
        before = () if kind.descriptor is None else _decode(kind.descriptor).limits
        step.connection.execute(_NAMESPACE["publish_kind"], (encode(descriptor), kind.id))
        if before != descriptor.limits:
            for (lane,) in step.connection.execute(_LANE["names"], (kind.id,)).fetchall():
                step.note_running(kind.id, lane, 0)
            step.rings |= WORK


def published_kinds(step: Step) -> list[KindDescriptor]:
    """What was published, by kind."""
    rows = step.connection.execute(_NAMESPACE["kinds"], (step.ns,)).fetchall()
    return [_decode(kind.descriptor) for kind in (Kind(*row) for row in rows) if kind.descriptor is not None]
