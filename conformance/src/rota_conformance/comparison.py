"""What differs between two reports."""

from typing import NamedTuple

from rota_conformance.report import Report

__all__ = ["Difference", "differences"]

_ABSENT = "absent"


class Difference(NamedTuple):
    """One requirement that came out otherwise. `worse`: it had passed."""

    id: str
    before: str
    after: str
    text: str

    @property
    def worse(self) -> bool:
        """True when what passed does not any more."""
        return self.before == "passed"


def differences(before: Report, after: Report) -> list[Difference]:
    """The requirements whose outcomes differ, in the order of the later report; those of one report alone too."""
    old = {one.id: one.outcome for one in before.results}
    new = {one.id: one.outcome for one in after.results}
    texts = {one.id: one.text for one in (*before.results, *after.results)}
    found = [Difference(one, old.get(one, _ABSENT), new.get(one, _ABSENT), texts[one]) for one in {**new, **old}]
    return [one for one in found if one.before != one.after]
