"""What goes wrong, in rota's words: no error of SQLite, of its binding or of the encoder comes through."""

import sqlite3
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from plugins.store_sqlite.tests.lab import Lab

from rota.model.errors import ConfigError, CorruptRecord, IncompatibleStore, RotaError, StoreError, StoreUnavailable
from rota.model.query import InstanceFilter, LogFilter
from rota.model.records import Document, KindDescriptor, LogRecord, WorkerRecord
from rota_store_sqlite.faults import translated
from rota_store_sqlite.store import SQLiteStore

_HUGE = 2**63
_LONE = "half \ud800 of a pair"
_ZERO = "a\x00b"

_UNFIT: dict[str, Callable[[Lab, SQLiteStore], object]] = {
    "a rank": lambda lab, store: store.enqueue([lab.record(), lab.record(rank=_HUGE)]),
    "a due time": lambda lab, store: store.enqueue([lab.record(), lab.record(due_ms=-_HUGE - 1)]),
    "a delay": lambda lab, store: store.enqueue([lab.record(), lab.record(delay_ms=2**70)]),
    "a kind": lambda lab, store: store.enqueue([lab.record(), lab.record(kind=_LONE)]),
    "a lane": lambda lab, store: store.enqueue([lab.record(), lab.record(lane=_LONE)]),
    "a unique key": lambda lab, store: store.enqueue([lab.record(), lab.record(unique_key=_LONE)]),
    "an id": lambda lab, store: store.enqueue([lab.record(), lab.record(id=_LONE)]),
    "a worker": lambda lab, store: store.beat(_LONE, 1000, WorkerRecord(id=_LONE)),
    "a lease": lambda lab, store: store.beat("w", 2**70, WorkerRecord(id="w")),
    "a published kind": lambda lab, store: store.put_kinds([KindDescriptor(kind="fits"), KindDescriptor(kind=_LONE)]),
    "a document": lambda lab, store: store.save([Document("fits", b"1"), Document(_LONE, b"1")]),
    "a question": lambda lab, store: store.find(InstanceFilter(kinds=frozenset({_LONE}))),
    "a paused kind": lambda lab, store: store.pause(["fits", _LONE]),
    "a namespace": lambda lab, store: store.namespaced(_LONE).workers(),
}


@pytest.mark.parametrize("what", _UNFIT)
def test_what_has_no_form_in_the_file_is_refused(what: str, lab: Lab) -> None:
    """A clear error, with nothing kept of the call; the store goes on."""
    store = lab.store()
    lab.add(store)
    with pytest.raises(ConfigError, match=r"jobs\.db.*nothing of this call was kept"):
        _UNFIT[what](lab, store)
    assert (1, [], [], []) == (lab.count(store), store.workers(), store.kinds(), store.scan("")[0])
    assert ["done"] == lab.settle(store, lab.claim(store))


def test_log_line_that_has_no_form_is_refused(lab: Lab) -> None:
    """With those beside it."""
    store = lab.store()
    lab.add(store)
    (claim,) = lab.claim(store)
    lines = [LogRecord(claim.record.id, claim.token, n, 0, 20, text) for n, text in enumerate(["fits", _LONE])]
    with pytest.raises(ConfigError):
        store.append_logs(lines)
    assert () == store.logs(LogFilter(id=claim.record.id)).lines


def test_zero_characters_are_kept(lab: Lab) -> None:
    """Text is text: SQLite tells its length itself."""
    store = lab.store()
    (one,) = lab.add(store, kind=_ZERO, unique_key=_ZERO, lane=_ZERO)
    lab.add(store, kind="a")
    store.beat(_ZERO, 1000, WorkerRecord(id=_ZERO))
    (claim,) = store.claim(_ZERO, 1, [_ZERO], 10)
    store.append_logs([LogRecord(one, claim.token, 0, 0, 20, _ZERO)])
    store.save([Document(_ZERO, b"1")])
    assert (one, _ZERO) == (claim.record.id, claim.record.unique_key)
    (found,) = store.find(InstanceFilter(kinds=frozenset({_ZERO}), worker=_ZERO)).items
    assert (one, _ZERO) == (found.record.id, found.worker)
    assert [_ZERO] == [document.key for document in store.scan("a\x00")[0]]


def test_record_that_cannot_be_decoded_is_told(lab: Lab) -> None:
    """As a damaged one, not as an error of the encoder."""
    store = lab.store()
    ids = lab.add(store)
    with store._hub.database.write() as connection:
        connection.execute("UPDATE instance SET record = x'c1'")
    with pytest.raises(CorruptRecord, match=r"jobs\.db: a record can't be decoded"):
        store.get(ids)


def test_damaged_file_is_told(lab: Lab) -> None:
    """With what to do."""
    store = lab.store()
    lab.add(store, 300)
    store.close()
    with lab.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (lab.path.stat().st_size - 4096))
    with pytest.raises(CorruptRecord, match=r"jobs\.db: .*malformed: the file is damaged; restore it"):
        lab.count(store)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_BUSY, StoreUnavailable),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreUnavailable),
        (sqlite3.SQLITE_FULL, StoreUnavailable),
        (sqlite3.SQLITE_IOERR_SHMSIZE, StoreUnavailable),
        (sqlite3.SQLITE_IOERR_WRITE, StoreUnavailable),
        (sqlite3.SQLITE_READONLY_DBMOVED, StoreUnavailable),
        (sqlite3.SQLITE_CANTOPEN, StoreUnavailable),
        (sqlite3.SQLITE_NOMEM, StoreUnavailable),
        (sqlite3.SQLITE_CORRUPT_INDEX, CorruptRecord),
        (sqlite3.SQLITE_NOTADB, IncompatibleStore),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, StoreError),
        (sqlite3.SQLITE_MISUSE, StoreError),
    ],
)
def test_each_code_of_sqlite_has_its_error(code: int, expected: type[RotaError]) -> None:
    """Those that may pass can be repeated; all keep their cause."""
    cause = sqlite3.OperationalError("what it says")
    cause.sqlite_errorcode = code
    with pytest.raises(StoreError, match=r"jobs\.db: .*what it says") as caught, translated("jobs.db"):
        raise cause
    assert (expected, cause) == (type(caught.value), caught.value.__cause__)


def test_records_travel_whole(lab: Lab) -> None:
    """What fits comes back as it was, to its bounds."""
    store = lab.store()
    record = replace(lab.record(), kind="ünï", rank=-(2**53), due_ms=-(2**62), unique_key="\U0001f600" * 300)
    store.enqueue([record])
    (found,) = store.get([record.id])
    assert found is not None
    assert record == found.record
