"""How commands show data: a table for people, JSON, JSON lines or CSV for programs; always on stdout."""

import csv
import io
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal, TypeAlias, TypeVar

import click
import msgspec

__all__ = ["Format", "output_option", "write_record", "write_rows"]

Format: TypeAlias = Literal["table", "json", "jsonl", "csv"]

_FORMATS: Final = ("table", "json", "jsonl", "csv")
_WIDE: Final = 100_000

Command = TypeVar("Command", bound=Callable[..., Any])


def output_option(command: Command) -> Command:
    """Give a command the option `-o table|json|jsonl|csv`, passed on as `output`."""
    option = click.option(
        "-o", "--output", type=click.Choice(_FORMATS), default="table", show_default=True, help="How to show the data."
    )
    return option(command)


def write_rows(
    columns: Sequence[str], rows: Iterable[Mapping[str, object]], output: Format, *, streamed: bool = False
) -> None:
    """Write rows; `columns` gives the order, and those of table and CSV. JSON lines go out one by one.

    `streamed`: there may be no end, so that each row is written as it comes, in a table without aligned columns.
    """
    if output == "jsonl":
        for row in rows:
            _write_json_line(row)
    elif streamed:
        _write_stream(columns, rows, output)
    elif output == "json":
        _write_json(list(rows))
    elif output == "csv":
        click.echo(_csv(columns, rows), nl=False)
    else:
        _write_table(columns, rows)


def write_record(fields: Mapping[str, object], output: Format) -> None:
    """Write one thing: an object in JSON, a line per field in a table, a row in CSV."""
    if output == "json":
        _write_json(fields)
    elif output == "table":
        width = max(map(len, fields), default=0)
        for name, value in fields.items():
            click.echo(f"{name:{width}}  {_cell(value)}")
    else:
        write_rows(list(fields), [fields], output)


def _write_json(data: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())


def _write_json_line(row: Mapping[str, object]) -> None:
    click.echo(msgspec.json.encode(row).decode())


def _write_stream(columns: Sequence[str], rows: Iterable[Mapping[str, object]], output: Format) -> None:
    """Row by row: lines of CSV, else of words; JSON has no form without an end but JSON lines."""
    if output == "csv":
        click.echo(_csv(columns, ()), nl=False)
    for row in rows:
        if output == "json":
            _write_json_line(row)
        elif output == "csv":
            click.echo(_csv(columns, [row]).split("\n", 1)[1], nl=False)
        else:
            click.echo("  ".join(_cell(row.get(column)) for column in columns if row.get(column) is not None))


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def _write_table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*[column.upper() for column in columns], box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*[Text(_cell(row.get(column))) for column in columns])
    # A pipe has no width: whole lines, so that grep and cut see everything.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    console.print(table)


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
