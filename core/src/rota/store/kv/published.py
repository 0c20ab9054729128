"""What workers publish of their kinds."""

from rota.model.records import KindDescriptor
from rota.store.kv.entry import decode
from rota.store.kv.keys import text
from rota.store.kv.pages import all_under
from rota.store.kv.step import Step

__all__ = ["lanes_of", "lanes_seen", "load_kinds", "publish", "published"]


def load_kinds(step: Step, descriptors: list[KindDescriptor]) -> None:
    """Read at once what publishing these will ask for."""
    step.load(step.keys.of(letter, text(one.kind)) for one in descriptors for letter in (b"K", b"M"))


def publish(step: Step, descriptor: KindDescriptor) -> bool:
    """Publish one; whether its lanes are to be looked at: its limits changed, or somebody was cut off at that."""
    name = descriptor.kind
    standing = step.kind(name)
    mark = step.keys.of(b"M", text(name))
    before = () if standing.descriptor is None else standing.descriptor.limits
    if before != descriptor.limits:
        step.put(mark)
    step.put_kind(name, descriptor, standing.paused)
    return step.get(mark) is not None


def lanes_of(step: Step, name: str) -> list[tuple[str, str]]:
    """The lanes of a kind."""
    return [(name, decode.lane(value).name) for _, value, _ in all_under(step, step.keys.of(b"n", text(name)))]


def lanes_seen(step: Step, name: str) -> None:
    """Every lane of a kind goes by its limits."""
    mark = step.keys.of(b"M", text(name))
    step.get(mark)
    step.delete(mark)


def published(step: Step) -> list[KindDescriptor]:
    """What was published, by kind."""
    found = (decode.kind(value).descriptor for _, value, _ in all_under(step, step.keys.of(b"K")))
    return sorted((one for one in found if one is not None), key=lambda one: one.kind)
