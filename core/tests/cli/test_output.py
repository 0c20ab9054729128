"""The four forms of output, for every kind of value that commands show."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import click
import pytest
from click.testing import CliRunner

from rota.cli.output import Format, output_option, write_record, write_rows

ROWS: list[dict[str, object]] = [
    {"id": UUID(int=1), "at": datetime(2026, 1, 2, tzinfo=UTC), "note": "x" * 300, "of": ("a", "b")},
    {"id": UUID(int=2), "at": None, "note": "[bold]1,2[/bold]", "of": []},
]
COLUMNS = ["id", "at", "note", "of"]


def shown(output: str) -> str:
    """What a command with the option writes to stdout, through a pipe."""

    @click.command()
    @output_option
    def command(output: Format) -> None:
        write_rows(COLUMNS, ROWS, output)

    return CliRunner().invoke(command, ["-o", output], catch_exceptions=False).stdout


def test_json_is_a_list_of_objects() -> None:
    """Identifiers and times are texts, lists are lists."""
    read = json.loads(shown("json"))
    assert ["00000000-0000-0000-0000-000000000001", "2026-01-02T00:00:00Z"] == [read[0]["id"], read[0]["at"]]
    assert (["a", "b"], None) == (read[0]["of"], read[1]["at"])


def test_json_lines_are_the_objects_of_json_one_a_line() -> None:
    """So that a stream can be read while it is written."""
    assert json.loads(shown("json")) == [json.loads(line) for line in shown("jsonl").splitlines()]


def test_json_lines_go_out_as_rows_come_in(capsys: pytest.CaptureFixture[str]) -> None:
    """A follower sees each row before the next one exists."""
    seen: list[str] = []

    def rows() -> Iterator[dict[str, object]]:
        for number in (1, 2):
            yield {"n": number}
            seen.append(capsys.readouterr().out)

    write_rows(["n"], rows(), "jsonl")
    assert ['{"n":1}\n', '{"n":2}\n'] == seen


def test_csv_has_a_heading_and_quotes_what_needs_it() -> None:
    """It reads back as it was; nothing is None."""
    read = list(csv.reader(io.StringIO(shown("csv"))))
    assert [COLUMNS, ["00000000-0000-0000-0000-000000000002", "", "[bold]1,2[/bold]", ""]] == [read[0], read[2]]


def test_a_table_through_a_pipe_is_neither_wrapped_nor_styled() -> None:
    """Grep and awk see whole lines, and brackets in data are no markup."""
    heading, first, second = shown("table").splitlines()
    assert ["ID", "AT", "NOTE", "OF"] == heading.split()
    assert "x" * 300 in first
    assert "[bold]1,2[/bold]" in second


def test_no_rows_are_an_empty_list_and_a_bare_heading(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty answer is an answer, in every form."""
    said = {}
    for output in ("table", "json", "jsonl", "csv"):
        write_rows(["a", "b"], [], output)
        said[output] = capsys.readouterr().out
    assert (["A", "B"], "[]\n", "", "a,b\n") == (said["table"].split(), said["json"], said["jsonl"], said["csv"])


def test_one_thing_is_an_object_or_a_line_per_field(capsys: pytest.CaptureFixture[str]) -> None:
    """A single record is not a list of one."""
    said = {}
    for output in ("table", "json", "jsonl", "csv"):
        write_record({"name": "x", "of": (1, 2)}, output)
        said[output] = capsys.readouterr().out
    assert "name  x\nof    1, 2\n" == said["table"]
    assert {"name": "x", "of": [1, 2]} == json.loads(said["json"]) == json.loads(said["jsonl"])
    assert 'name,of\nx,"1, 2"\n' == said["csv"]


def test_another_form_is_wrong_usage() -> None:
    """The choice is checked by the command line."""
    command = output_option(click.Command("trial"))
    assert 2 == CliRunner().invoke(command, ["-o", "xml"]).exit_code
