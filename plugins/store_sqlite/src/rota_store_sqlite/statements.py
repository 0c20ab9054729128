"""The statements of `sql/*.sql`, by the name that stands above each: `-- name: claim_ready`."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["LAYOUT", "schema", "statements"]

LAYOUT: Final = 1  #: the newest layout that this version writes; `schema_N.sql` leads from N - 1 to N

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements(group: str) -> dict[str, str]:
    """The statements of `sql/GROUP.sql`."""
    parts = _NAME.split(_text(f"{group}.sql"))
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def schema(layout: int) -> str:
    """The script that leads to a layout from the one before it."""
    return _text(f"schema_{layout}.sql")


def _text(name: str) -> str:
    return (files("rota_store_sqlite") / "sql" / name).read_text("utf-8")
