"""Models that are broken in what not every store declares; the state machine has to tell each from the model."""

from conformance.tests.reference import ReferenceHarness
from msgspec.structs import replace

from rota.model.records import Ending
from rota.model.state import State
from rota_conformance.model import ReferenceStore

__all__ = ["BROKEN", "GivesTokensOutAgain", "harness_of"]


class LeaksALaneOnCrash(ReferenceStore):
    """A crash keeps its place in the lane for ever."""

    def settle(self, outcomes):
        answers = super().settle(outcomes)
        for outcome, answer in zip(outcomes, answers, strict=True):
            one = self.book.instances.get(outcome.id)
            if answer.status == "done" and outcome.ending is Ending.CRASHED and one is not None and one.record.lane:
                published = self.book.kinds[one.kind]
                limits = tuple(replace(limit, max_running=0) for limit in published.limits)
                self.book.kinds[one.kind] = replace(published, limits=limits)
        return answers


class ReleasesWithTheFirstParent(ReferenceStore):
    """One parent is enough."""

    def settle(self, outcomes):
        answers = super().settle(outcomes)
        for child in self.book.instances.values():
            if child.state is State.CREATED and len(child.left) < len(child.record.depends_on):
                child.left.clear()
                self.book.look_at_parents(child, self.now_ms())
        return answers


class RefillsAtOnce(ReferenceStore):
    """A rate is no bound."""

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        self.book.full.clear()
        return super().claim(worker, seq, kinds, limit, wait_ms)


class ForgetsTheGate(ReferenceStore):
    """A kind without lanes has no limit."""

    def put_kinds(self, descriptors):
        super().put_kinds([one for one in descriptors if one.kind != "gated"])


class GivesTokensOutAgain(ReferenceStore):
    """Tokens do not rise."""

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        if worker not in self.book.workers or seq != self.book.workers[worker].seq:
            self.book.token = 0
        return super().claim(worker, seq, kinds, limit, wait_ms)


BROKEN = (LeaksALaneOnCrash, ReleasesWithTheFirstParent, RefillsAtOnce, ForgetsTheGate, GivesTokensOutAgain)


def harness_of(broken: type[ReferenceStore]) -> type[ReferenceHarness]:
    """The harness of one of them."""
    return type(f"{broken.__name__}Harness", (ReferenceHarness,), {"store_type": broken})
