"""Small versioned documents."""

import pytest
from plugins.store_memory.tests.lab import Lab

from rota.model.errors import ConfigError, QueryError
from rota.model.records import Document
from rota.store.contract import MAX_DOCUMENT_BYTES, MAX_DOCUMENTS


def test_save_needs_the_version_that_stands(lab: Lab) -> None:
    """A new document is expected as version 0, a changed one by its own; each save gives a new version."""
    saved = lab.store.save([Document("a", b"1")])
    assert saved is not None
    assert saved[0] > 0
    assert lab.store.save([Document("a", b"2")]) is None
    again = lab.store.save([Document("a", b"2", saved[0])])
    assert again is not None
    assert again[0] > saved[0]
    assert [None, Document("a", b"2", again[0])] == lab.store.load(["b", "a"])


def test_save_is_all_or_none(lab: Lab) -> None:
    """One wrong version keeps all the others from being written, wherever it stands in the list."""
    lab.store.save([Document("b", b"1")])
    assert lab.store.save([Document("a", b"1"), Document("b", b"2"), Document("c", b"1")]) is None
    assert [None, None] == lab.store.load(["a", "c"])


def test_deleted_document_is_gone_and_its_version_never_comes_back(lab: Lab) -> None:
    """A value of None deletes, answered by version 0; a new one of that key has a version no one has seen."""
    (version,) = lab.store.save([Document("a", b"1")]) or [0]
    assert [0] == lab.store.save([Document("a", None, version)])
    assert ([None], ([], None)) == (lab.store.load(["a"]), lab.store.scan(""))
    assert [0] == lab.store.save([Document("a", None, 0)])
    (newer,) = lab.store.save([Document("a", b"1")]) or [0]
    assert newer > version


def test_bounds_are_errors(lab: Lab) -> None:
    """Too many, one too large, one key twice: ConfigError, and nothing is written; at the bound all goes in."""
    full = [Document(f"d{n}", bytes(MAX_DOCUMENT_BYTES)) for n in range(MAX_DOCUMENTS)]
    for wrong in (
        [*full, Document("more", b"")],
        [Document("a", bytes(MAX_DOCUMENT_BYTES + 1))],
        [Document("a", b"1"), Document("a", b"2")],
    ):
        with pytest.raises(ConfigError):
            lab.store.save(wrong)
        assert ([], None) == lab.store.scan("")
    assert MAX_DOCUMENTS == len(lab.store.save(full) or [])


def test_scan_pages_by_key_under_a_prefix(lab: Lab) -> None:
    """Pages go by key, hold only the prefix, and end with a cursor of None."""
    for key in ("b/3", "a/1", "b/1", "c", "b/2", "b"):
        lab.store.save([Document(key, key.encode())])
    found, cursor = [], None
    while True:
        page, cursor = lab.store.scan("b/", cursor, limit=2)
        found.append([document.key for document in page])
        if cursor is None:
            break
    assert [["b/1", "b/2"], ["b/3"]] == found
    assert ["a/1", "b", "b/1", "b/2", "b/3", "c"] == [document.key for document in lab.store.scan("")[0]]
    assert ([], None) == lab.store.scan("zz")
    with pytest.raises(QueryError):
        lab.store.scan("b/", "b/1")
