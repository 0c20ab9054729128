"""What plugins offer, by name: built once from the hooks, asked at start-up, never per job."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Generic, TypeVar, final

from rota.model.errors import PluginError
from rota.plugins.record import PluginRecord, Problem
from rota.plugins.settings import DISABLE, normalized

__all__ = ["Offer", "Table"]

S_co = TypeVar("S_co", covariant=True)

_NO_HINTS: Final[Mapping[str, str]] = MappingProxyType({})


@final
@dataclass(frozen=True, slots=True)
class Offer(Generic[S_co]):
    """One item of a plugin: a spec or a command, the name it goes by, and whose it is."""

    name: str
    item: S_co
    record: PluginRecord


class Table(Generic[S_co]):
    """Items of one noun by name. Two plugins may offer one name; only asking for it is an error.

    `hints` names the distribution to install for well-known names that nobody offers.
    """

    def __init__(
        self,
        noun: str,
        offers: Iterable[Offer[S_co]],
        records: Iterable[PluginRecord] = (),
        hints: Mapping[str, str] = _NO_HINTS,
    ) -> None:
        by_name: dict[str, list[Offer[S_co]]] = {}
        for offer in offers:
            by_name.setdefault(offer.name, []).append(offer)
        self.noun = noun
        self._offers: Mapping[str, tuple[Offer[S_co], ...]] = {name: tuple(found) for name, found in by_name.items()}
        self._absent = tuple(record for record in records if record.state != "loaded")
        self._hints = hints

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted; those in conflict too."""
        return tuple(sorted(self._offers))

    @property
    def offers(self) -> tuple[Offer[S_co], ...]:
        """All offers, those in conflict too, by name; an item with several names has as many."""
        return tuple(offer for name in self.names for offer in self._offers[name])

    def __contains__(self, name: object) -> bool:
        return name in self._offers

    def get(self, name: str, what: str = "") -> Offer[S_co]:
        """The offer of that name; `what` opens the message when it can't be had.

        Raises: PluginConflict when two plugins offer it, or when another distribution claims the name
        of the plugin that does; PluginError when nobody does, with the names there are; PluginLoadError
        or IncompatiblePlugin, from the cause, when the plugin of that name is broken.
        """
        found = self._offers.get(name)
        if found is None:
            raise self._missing(name, what)
        first, *others = found
        if others:
            raise self._conflict(name).conflict()
        for record in self._absent:
            if record.state == "shadowed" and record.name == first.record.name and not first.record.essential:
                raise record.refusal()
        return first

    def conflicts(self) -> tuple[Problem, ...]:
        """The names that several plugins offer."""
        return tuple(self._conflict(name) for name in self.names if len(self._offers[name]) > 1)

    def _conflict(self, name: str) -> Problem:
        records = tuple(offer.record for offer in self._offers[name])
        settings = (f"{DISABLE}={record.name}" for record in records if not record.essential)
        sources = " and ".join(record.source for record in records)
        return Problem(
            f'{self.noun} "{name}" is provided by two plugins',
            records,
            f"{sources} both provide it, and rota does not choose",
            f"disable one: {'   |   '.join(settings)}",
        )

    def _missing(self, name: str, what: str) -> PluginError:
        hint = self._hints.get(name, "")
        for record in self._absent:
            if name == record.name or name in record.schemes or normalized(record.distribution) == hint:
                return record.refusal(what)
        meant = "" if hint else self._close(name)
        hint = hint or ("" if meant in self._offers else self._hints.get(meant, ""))
        return PluginError(
            f'no plugin provides {self.noun} "{name}"'
            + (f'; did you mean "{meant}"?' if meant else "")
            + f"\n  known:   {self._known()}"
            + f"\n  try:     {f'pip install {hint}' if hint else 'one of the known   |   rota plugins doctor'}"
        )

    def _close(self, name: str) -> str:
        close = difflib.get_close_matches(name, sorted({*self._offers, *self._hints}), n=1)
        return close[0] if close else ""

    def _known(self) -> str:
        by_source: dict[str, list[str]] = {}
        for name in self.names:
            by_source.setdefault(self._offers[name][0].record.source, []).append(name)
        return ", ".join(f"{', '.join(names)} ({source})" for source, names in by_source.items()) or "none"
