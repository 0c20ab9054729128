"""A queue policy as a manager chooses it, "priority" or "priority?ageing=60", and as a namespace records it."""

from typing import Final

import msgspec

from rota.model.errors import ConfigError

__all__ = ["PolicyChoice"]

_READABLE: Final = ":,/@+"  # left as they are in the normal form, beside letters, digits and - . _ ~


class PolicyChoice(msgspec.Struct, frozen=True):
    """A policy's name, and its options as text, by name. `str` gives the normal form, which reads back as itself."""

    name: str
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "PolicyChoice":
        """Read "name" or "name?option=value&...", percent codes as in a URL. ConfigError for anything else."""
        if not isinstance(text, str) or not text.partition("?")[0]:
            raise ConfigError(f'Manager(policy) takes a name, as in "priority" or "priority?ageing=60"; got {text!r}')
        name, _, query = text.partition("?")
        options = [_option(text, item) for item in query.split("&") if item]
        if len(dict(options)) < len(options):
            raise ConfigError(f"Manager(policy={text!r}) gives an option twice: leave one of them")
        return cls(name, tuple(sorted(options)))

    def __str__(self) -> str:
        from urllib.parse import quote

        pairs = (f"{quote(key, safe=_READABLE)}={quote(value, safe=_READABLE)}" for key, value in self.options)
        return self.name + ("?" + "&".join(pairs) if self.options else "")


def _option(text: str, item: str) -> tuple[str, str]:
    from urllib.parse import unquote

    key, equals, value = item.partition("=")
    if not key or not equals:
        raise ConfigError(f"Manager(policy={text!r}): options are name=value, joined by &; got {item!r}")
    return unquote(key), unquote(value)
