"""The address of a store: parsed strictly, typed, and never shown with its credentials.

    scheme://[user[:password]@][host[:port][,host[:port]...]][/path][?key=value&...]

What is strict: the `//` is needed, a fragment is refused, `@ / ? #` inside user or password must be
percent-encoded, hosts and ports must be hosts and ports, and a store names the query keys that it
knows (`StoreURL.options`). No message of this module quotes the text around the credentials, so
that no password ends in a log, not even that of an address that can't be read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias, final

from rota.model.errors import ConfigError

__all__ = ["Host", "OptionType", "OptionValue", "Secret", "StoreURL"]

OptionType: TypeAlias = type[str] | type[int] | type[float] | type[bool]
OptionValue: TypeAlias = str | int | float | bool

_HIDDEN: Final = "***"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HOST: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._~-]+))(?::(?P<port>[0-9]{1,5}))?")
_UNREADABLE: Final = re.compile(r"[\x00-\x20\x7f]")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_SENSITIVE: Final = re.compile(r"pass|pwd|secret|token|credential|key", re.IGNORECASE)
_BOOLEANS: Final = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False,
                    "off": False}  # fmt: skip
_TYPE_WORDS: Final[Mapping[type, str]] = {
    bool: "yes or no", int: "a whole number", float: "a number", str: "text",
}  # fmt: skip


@final
class Secret:
    """A text that shows itself as `***` everywhere; `reveal()` alone gives it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the client library and nobody else."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return _HIDDEN

    __str__ = __repr__


@final
@dataclass(frozen=True, slots=True)
class Host:
    """One server: a name or an address without brackets, and the port when the URL gives one."""

    name: str
    port: int | None = None

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


@final
@dataclass(frozen=True, slots=True, repr=False)
class StoreURL:
    """A parsed address. `scheme` is in lower case; user, password, path and query are percent-decoded.

    `path` keeps its leading slash; `query` keeps the order and the duplicates of the text. `str` and
    `repr` are redacted: a store builds its connection from the parts.
    """

    scheme: str
    hosts: tuple[Host, ...] = ()
    user: str | None = None
    password: Secret | None = None
    path: str = ""
    query: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "StoreURL":
        """Read `text`. Raises: ConfigError that names the faulty part, and quotes nothing but the scheme."""
        matched = _SCHEME.match(text)
        if matched is None:
            raise ConfigError(
                "a store URL starts with a scheme and ://; the given text does not\n"
                "  try:     memory://   |   sqlite:///jobs.db   |   redis://localhost:6379/0"
            )
        scheme = matched[1].lower()
        _refuse_unsafe(scheme, text[matched.end() :])
        rest, _, query = text[matched.end() :].partition("?")
        authority, slash, path = rest.partition("/")
        userinfo, at, hosts = authority.rpartition("@")
        user, password = _credentials(scheme, userinfo) if at else (None, None)
        return cls(
            scheme,
            tuple(_hosts(scheme, hosts)),
            user,
            password,
            _decode(scheme, "path", slash + path),
            tuple(_pairs(scheme, query)),
        )

    @property
    def host(self) -> str:
        """The name of the first host; empty without one."""
        return self.hosts[0].name if self.hosts else ""

    @property
    def port(self) -> int | None:
        """The port of the first host; None without one."""
        return self.hosts[0].port if self.hosts else None

    @property
    def file(self) -> str:
        """The path of a file, as SQLite's URLs have it: `sqlite:///jobs.db` is `jobs.db` in the current
        folder, `sqlite:////var/jobs.db` is `/var/jobs.db`; empty without one.

        Raises: ConfigError when the URL names a host, which is a slash too few.
        """
        if self.hosts:
            _refuse(
                self.scheme,
                "names a host where a file is expected",
                f"write {self.scheme}:///jobs.db for a file here, {self.scheme}:////var/jobs.db for an absolute path",
            )
        return self.path[1:]

    @property
    def redacted(self) -> str:
        """The address without credentials and without the values of query keys that look like secrets."""
        from urllib.parse import quote

        credentials = f"{_HIDDEN}@" if self.user is not None or self.password is not None else ""
        shown = [(key, _HIDDEN if _SENSITIVE.search(key) else quote(value, safe="/:,")) for key, value in self.query]
        query = "?" + "&".join(f"{quote(key)}={value}" for key, value in shown) if shown else ""
        return f"{self.scheme}://{credentials}{','.join(map(str, self.hosts))}{quote(self.path)}{query}"

    def options(self, allowed: Mapping[str, OptionType]) -> dict[str, OptionValue]:
        """The query, typed by `allowed`: what the URL gives, by key; what it leaves out is not in the answer.

        A bool reads yes, true, 1, on or no, false, 0, off. Raises: ConfigError for a key that is not
        in `allowed`, a key given twice, or a value of another type; it names the key and what is allowed.
        """
        found: dict[str, OptionValue] = {}
        for key, text in self.query:
            if key not in allowed:
                known = ", ".join(sorted(allowed)) or "none"
                _refuse(self.scheme, f"has an unknown option {key!r}", f"one of the options of this store: {known}")
            if key in found:
                _refuse(self.scheme, f"gives the option {key!r} twice", f"leave one {key}= in the URL")
            value = _convert(text, allowed[key])
            if value is None:
                shown = _HIDDEN if _SENSITIVE.search(key) else repr(text)
                _refuse(
                    self.scheme, f"gives {shown} for the option {key!r}", f"{key}= takes {_TYPE_WORDS[allowed[key]]}"
                )
            found[key] = value
        return found

    def __str__(self) -> str:
        return self.redacted

    def __repr__(self) -> str:
        return f"StoreURL({self.redacted!r})"


def _refuse(scheme: str, why: str, fix: str) -> NoReturn:
    raise ConfigError(f"the store URL {scheme}://... {why}\n  try:     {fix}")


def _refuse_unsafe(scheme: str, rest: str) -> None:
    """Refuse what would let a part of the credentials pass for another part of the address."""
    encode = "percent-encode it inside user and password: / is %2F, ? is %3F, # is %23, @ is %40"
    if "#" in rest:
        _refuse(scheme, "has a #, and store URLs have no fragment", encode)
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if rest.count("@") != authority.count("@"):
        _refuse(scheme, "has an @ behind its first / or ?", encode)
    if authority.count("@") > 1:
        _refuse(scheme, "has more than one @", encode)
    if _UNREADABLE.search(rest):
        _refuse(scheme, "has a space or a control character", "percent-encode it: a space is %20")


def _decode(scheme: str, part: str, text: str) -> str:
    decoded = _unquoted(text)
    if decoded is None:  # raised here, not in the `except`: the context of an error would carry the text
        _refuse(scheme, f"has a broken percent code in its {part}", "write % itself as %25")
    if part != "password" and "\x00" in decoded:
        _refuse(scheme, f"has a zero character in its {part}", "remove %00")
    return decoded


def _unquoted(text: str) -> str | None:
    from urllib.parse import unquote_to_bytes

    if _BAD_PERCENT.search(text):
        return None
    try:
        return unquote_to_bytes(text.encode()).decode()
    except UnicodeError:
        return None


def _credentials(scheme: str, userinfo: str) -> tuple[str | None, Secret | None]:
    user, colon, password = userinfo.partition(":")
    secret = Secret(_decode(scheme, "password", password)) if colon else None
    return _decode(scheme, "user", user) or None, secret


def _hosts(scheme: str, text: str) -> Iterator[Host]:
    for number, item in enumerate(text.split(",") if text else (), 1):
        matched = _HOST.fullmatch(item)
        if matched is None:
            _refuse(
                scheme,
                f"has a faulty host or port (host {number})",
                "host, host:port or [::1]:port, several separated by commas; "
                "percent-encode / ? # @ inside user and password",
            )
        if matched["v6"] is not None and not _is_ipv6(matched["v6"]):
            _refuse(scheme, f"has a faulty IPv6 address (host {number})", "write it in brackets: [::1]:6379")
        port = None if matched["port"] is None else int(matched["port"])
        if port is not None and not 1 <= port <= 65535:
            _refuse(scheme, f"has a port out of range (host {number})", "a port is 1 to 65535")
        yield Host(matched["v6"] or matched["name"], port)


def _is_ipv6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _pairs(scheme: str, text: str) -> Iterator[tuple[str, str]]:
    for item in text.split("&") if text else ():
        key, equals, value = item.partition("=")
        if not key or not equals:
            _refuse(scheme, "has a query that is not key=value pairs joined by &", "?timeout=5&fsync=no")
        yield _decode(scheme, "query", key), _decode(scheme, "query", value)


def _convert(text: str, wanted: OptionType) -> OptionValue | None:
    if wanted is bool:
        return _BOOLEANS.get(text.lower())
    if wanted is int:
        return int(text) if _INTEGER.fullmatch(text) else None
    if wanted is float:
        return _finite(float(text)) if _NUMBER.fullmatch(text) else None
    return text


def _finite(number: float) -> float | None:
    return number if abs(number) != float("inf") else None
