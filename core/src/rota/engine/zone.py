"""Time zones that every machine can find again: by IANA name, or as a fixed offset from UTC."""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Final

from rota.model.errors import ConfigError

__all__ = ["find_zone"]

_OFFSET: Final = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])")
_MINUTE: Final = timedelta(minutes=1)


def find_zone(tz: str | tzinfo, where: str) -> tuple[str, tzinfo]:
    """The name under which a zone is stored ("Europe/Berlin", "+05:30", "UTC") and the zone itself.

    Takes an IANA name, an offset as text, a `zoneinfo.ZoneInfo` or a `datetime.timezone`. ConfigError,
    naming `where`, for what is unknown here or could not be found again from its name.
    """
    name = tz if isinstance(tz, str) else _name(tz, where)
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        return _fixed(offset)
    return name, _named(name, where)


def _fixed(match: re.Match[str]) -> tuple[str, tzinfo]:
    sign, hours, minutes = match.groups()
    shift = timedelta(hours=int(hours), minutes=int(minutes))
    return (match[0], timezone(-shift if sign == "-" else shift)) if shift else ("UTC", UTC)


def _named(name: str, where: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    fix = "write an IANA name such as 'Europe/Berlin', or an offset such as '+05:30'"
    if name.lower() == "localtime":
        raise ConfigError(f"{where}: tz {name!r} differs from machine to machine; {fix}")
    try:
        return ZoneInfo(name)
    # ZoneInfo answers a bad key by whatever its search of folders meets: KeyError, ValueError, OSError.
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(f"{where}: no time zone {name!r} is known on this machine; {fix}") from error


def _name(tz: tzinfo, where: str) -> str:
    from zoneinfo import ZoneInfo

    if isinstance(tz, ZoneInfo) and tz.key:
        return tz.key
    if isinstance(tz, timezone):
        return _offset_name(tz.utcoffset(None), where)
    raise ConfigError(
        f"{where}: tz {tz!r} can't be stored, since it has no name that another machine finds it by; "
        "pass the name as text, a zoneinfo.ZoneInfo(name) or a datetime.timezone"
    )


def _offset_name(offset: timedelta, where: str) -> str:
    if offset % _MINUTE:
        raise ConfigError(f"{where}: tz has the offset {offset}; only whole minutes can be stored, write '+HH:MM'")
    hours, minutes = divmod(abs(offset) // _MINUTE, 60)
    return f"{'-' if offset < timedelta(0) else '+'}{hours:02}:{minutes:02}"
