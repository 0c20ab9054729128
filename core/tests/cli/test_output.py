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


@pytest.mark.parametrize("output", ["json", "csv"])
def test_long_lists_are_written_as_they_are_read(capsys: pytest.CaptureFixture[str], output: Format) -> None:
    """When the third row is asked for, the first is out: they are never all in memory."""
    seen: list[str] = []

    def rows() -> Iterator[dict[str, object]]:
        for number in (1, 2, 3):
            seen.append(capsys.readouterr().out)
            yield {"n": number}

    write_rows(["n"], rows(), output)
    assert "1" in "".join(seen)


def test_json_of_a_failed_question_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads it finds nothing, not half a list, when the store can't be asked at all."""

    def rows() -> Iterator[dict[str, object]]:
        raise ValueError("no store")
        yield {}

    with pytest.raises(ValueError, match="no store"):
        write_rows(["n"], rows(), "json")
    assert "" == capsys.readouterr().out


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


def test_a_table_on_a_terminal_is_cut_at_its_edge(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row is a line, and the first columns are whole: an id that is cut can't be copied."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    write_rows(COLUMNS, ROWS, "table")
    heading, first, second = capsys.readouterr().out.splitlines()
    assert ("ID", 60, "…") == (heading.split()[0], len(first), first[-1])
    assert [str(row["id"]) for row in ROWS] == [first.split()[0], second.split()[0]]


def test_a_long_table_is_aligned_block_by_block(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows that come later may widen a column, from there on; a wide character takes two cells."""
    write_rows(["a", "b"], ({"a": "個" if n < 1000 else "wide", "b": n} for n in range(1001)), "table")
    lines = capsys.readouterr().out.splitlines()
    assert ["A   B", "個  0", "wide  1000"] == [lines[0], lines[1], lines[-1]]


def test_what_jobs_say_gives_a_terminal_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors and log lines are anybody's text: control characters are written out, a cell stays in its line."""
    row: dict[str, object] = {"note": "a\x1b[2J\nb\tc"}
    write_rows(["note"], [row], "table")
    write_rows(["note"], [row], "table", streamed=True)
    write_record(row, "table")
    cell, *stream = capsys.readouterr().out.splitlines()[1:]
    assert ("a\\x1b[2J b c", ["a\\x1b[2J", "b\tc", "note  a\\x1b[2J", "b\tc"]) == (cell, stream)


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
