"""RECORD: the file in which an installer notes the hash of every file that it installed.

Its format: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

import csv
import hashlib
import os.path
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

_HASH = re.compile(r"((sha256|sha384|sha512)=.+)?")  # absent, or of an algorithm that is good for this


@dataclass(frozen=True, slots=True)
class Finding:
    """A file that is not as recorded, or a line of RECORD (`unreadable`) that can't say how it should be."""

    file: str
    what: Literal["changed", "missing", "unreadable"]
    recorded: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of RECORD with a hash: `rich/box.py,sha256=SvQX...,10686`."""

    file: Path
    recorded: str

    def compare(self) -> tuple[int, Finding | None]:
        """Hash the file: how many bytes it has, and what is wrong with it."""
        algorithm, _, digest = self.recorded.partition("=")
        try:
            if not self.file.is_file():  # a pipe or a device would be read without end
                return 0, Finding(str(self.file), "missing", self.recorded)
            with self.file.open("rb") as content:
                actual = hashlib.file_digest(content, algorithm).digest()
                size_bytes = content.tell()
        except OSError as error:
            return 0, Finding(str(self.file), "unreadable", self.recorded, str(error))
        found = urlsafe_b64encode(actual).decode().rstrip("=")
        if digest.rstrip("=") in (found, actual.hex()):  # some builders wrote hexadecimal digits
            return size_bytes, None
        return size_bytes, Finding(str(self.file), "changed", self.recorded, f"{algorithm}={found}")


def read_record(metadata: Path) -> tuple[list[Entry], list[Finding]]:
    """The lines of a distribution's RECORD that have a hash, and those that can't be read; none without a RECORD.

    Files made after the installation (bytecode, RECORD itself) are listed without a hash.
    """
    record = metadata / "RECORD"
    entries, findings = list[Entry](), list[Finding]()
    try:
        with record.open(encoding="utf-8", errors="replace", newline="") as lines:
            for number, row in _rows(lines):
                if len(row) != 3 or not _HASH.fullmatch(row[1]):
                    findings.append(Finding(f"{record}:{number}", "unreadable", found=",".join(row)))
                elif row[1]:
                    entries.append(Entry(Path(os.path.normpath(metadata.parent / row[0])), row[1]))
    except (FileNotFoundError, NotADirectoryError):  # .egg-info may be a file
        pass
    except OSError as error:
        findings.append(Finding(str(record), "unreadable", found=str(error)))
    return entries, findings


def _rows(lines: IO[str]) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line; one field, the error, where a line is no CSV."""
    reader = csv.reader(lines, strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            row = [str(error)]
        if row:
            yield reader.line_num, row
