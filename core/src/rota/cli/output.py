"""How commands show data: a table for people, JSON, JSON lines or CSV for programs; always on stdout."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from textwrap import indent
from typing import Any, Final, Literal, TypeAlias, TypeVar

import click
import msgspec

from rota.cli.table import safe, table_lines

__all__ = ["Format", "output_option", "write_record", "write_rows"]

Format: TypeAlias = Literal["table", "json", "jsonl", "csv"]

_FORMATS: Final = ("table", "json", "jsonl", "csv")

Command = TypeVar("Command", bound=Callable[..., Any])
Row: TypeAlias = Mapping[str, object]


def output_option(command: Command) -> Command:
    """Give a command the option `-o table|json|jsonl|csv`, passed on as `output`."""
    option = click.option(
        "-o", "--output", type=click.Choice(_FORMATS), default="table", show_default=True, help="How to show the data."
    )
    return option(command)


def write_rows(columns: Sequence[str], rows: Iterable[Row], output: Format, *, streamed: bool = False) -> None:
    """Write rows; `columns` gives the order, and those of table and CSV. No form holds all of them in memory.

    `streamed`: there may be no end, so that each row is written as it comes: JSON as lines, a table without columns.
    """
    if output == "csv":
        lines = _csv_lines(columns, rows)
    elif output == "jsonl" or (output == "json" and streamed):
        lines = map(_json, rows)
    elif output == "json":
        lines = _json_lines(rows)
    elif streamed:
        lines = (_words(columns, row) for row in rows)
    else:
        lines = table_lines(columns, ([_cell(row.get(column)) for column in columns] for row in rows))
    for line in lines:
        click.echo(line)


def write_record(fields: Row, output: Format) -> None:
    """Write one thing: an object in JSON, a line per field in a table, a row in CSV."""
    if output == "json":
        click.echo(_formatted(fields))
    elif output == "table":
        width = max(map(len, fields), default=0)
        for name, value in fields.items():
            click.echo(f"{name:{width}}  {safe(_cell(value))}")
    else:
        write_rows(list(fields), [fields], output)


def _json(row: Row) -> str:
    return msgspec.json.encode(row).decode()


def _formatted(data: Row) -> str:
    return msgspec.json.format(_json(data), indent=2)


def _json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """A list, an object at a time; nothing before the first one is there, so that an error leaves no half of it."""
    pending: str | None = None
    for row in rows:
        yield "[" if pending is None else f"{pending},"
        pending = indent(_formatted(row), "  ")
    yield "[]" if pending is None else f"{pending}\n]"


def _csv_lines(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    yield _csv(columns)
    for row in rows:
        yield _csv([_cell(row.get(column)) for column in columns])


def _csv(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _words(columns: Sequence[str], row: Row) -> str:
    return "  ".join(safe(_cell(row.get(column))) for column in columns if row.get(column) is not None)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_cell, value))
    if isinstance(value, Mapping):
        return msgspec.json.encode(value).decode()
    return str(value)
