"""DOC: small versioned documents."""

from functools import partial

import pytest

from rota.model.errors import ConfigError
from rota.model.records import Document
from rota.store.contract import MAX_DOCUMENT_BYTES, MAX_DOCUMENTS
from rota_conformance.hostile import PAYLOADS, TEXTS, payload_of
from rota_conformance.lab import Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves


def _save(lab: Lab, key: str, value: bytes | None = b"x", version: int = 0) -> int | None:
    """The new version of one; None when the one given was not the stored one."""
    found = lab.store.save([Document(key, value, version)])
    return None if found is None else found[0]


@proves("DOC-1")
def test_documents_are_written_all_or_none(lab: Lab) -> None:
    """One version that is not the stored one, and nothing of the call is written."""
    versions = lab.store.save([Document("a", b"1"), Document("b", b"2")])
    assert versions is not None
    expected = [Document("a", b"1", versions[0]), Document("b", b"2", versions[1]), None]
    assert expected == lab.client().load(["a", "b", "c"])
    assert min(versions) > 0
    for wrong in (
        [Document("a", b"9", versions[0]), Document("b", b"9", versions[1] + 100)],
        [Document("c", b"9"), Document("a", b"9", 0)], [Document("a", b"9", versions[0]), Document("c", b"9", 7)],
        [Document("a", None, versions[0]), Document("b", None, 0)],
    ):  # fmt: skip
        assert lab.store.save(wrong) is None
        assert expected == lab.store.load(["a", "b", "c"])
    assert [None, expected[1], expected[1]] == lab.store.load(["no", "b", "b"])
    assert ([], []) == (lab.store.save([]), lab.store.load([]))


@proves("DOC-1")
def test_version_changes_with_each_write(lab: Lab) -> None:
    """Who expects an older one finds that out, also when the text is the same again, or the document was deleted and
    written anew."""
    first = _save(lab, "a")
    assert first is not None
    second = _save(lab, "a", b"x", first)
    assert second is not None
    assert first != second
    assert _save(lab, "a", b"y", first) is None, "a repeated save meets its own version"
    assert 0 == _save(lab, "a", None, second)
    assert ([None], ([], None)) == (lab.store.load(["a"]), lab.store.scan(""))
    assert _save(lab, "a", b"y", second) is None
    third = _save(lab, "a")
    assert third not in (None, 0, first, second)
    assert _save(lab, "a", None, second) is None
    assert 0 == _save(lab, "never", None), "what is not there may be deleted"


@proves("DOC-1", "ENQ-10")
def test_documents_of_any_key_and_value_are_kept(lab: Lab) -> None:
    """Each key is another document; values come back byte for byte, the empty one too."""
    for start in range(0, len(TEXTS), MAX_DOCUMENTS):
        assert lab.store.save([Document(key, key.encode()) for key in TEXTS[start : start + MAX_DOCUMENTS]])
    assert [key.encode() for key in TEXTS] == [found and found.value for found in lab.store.load(TEXTS)]
    for n, payload in enumerate(PAYLOADS):
        _save(lab, f"payload-{n}", payload)
    keys = [f"payload-{n}" for n in range(len(PAYLOADS))]
    assert list(PAYLOADS) == [found.value if found else None for found in lab.client().load(keys)]


@proves("DOC-2")
def test_too_many_are_refused(lab: Lab) -> None:
    """As many as are allowed are written; one more, and the call is a ConfigError that wrote nothing."""
    documents = [Document(f"k{n}", b"x") for n in range(MAX_DOCUMENTS + 1)]
    with pytest.raises(ConfigError):
        lab.store.save(documents)
    assert ([], None) == lab.store.scan("")
    assert MAX_DOCUMENTS == len(lab.store.save(documents[:-1]) or ())


@proves("DOC-2")
def test_largest_is_kept_and_one_larger_refused(lab: Lab) -> None:
    """To the byte; a step may be full of the largest."""
    largest = payload_of(MAX_DOCUMENT_BYTES)
    with pytest.raises(ConfigError):
        lab.store.save([Document("small", b"x"), Document("large", largest + b"x")])
    assert [None, None] == lab.store.load(["small", "large"])
    _save(lab, "large", largest)
    assert largest == (lab.store.load(["large"])[0] or Document("", None)).value


@proves("DOC-3")
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_scan_goes_by_key_through_a_prefix(lab: Lab, limit: int) -> None:
    """All whose key starts with it and no others, by key, page by page; a prefix is text, not a pattern."""
    keys = ["a", "a*", "a/", "a/1", "a/10", "a/2", "a0", "b", "a%", "a_b", "", "é", "a/é"]
    for key in keys:
        _save(lab, key, key.encode())
    for prefix in ("", "a", "a/", "a/1", "a*", "a%", "a_", "é", "nothing"):
        expected = sorted(key for key in keys if key.startswith(prefix))
        found: list[Document] = []
        cursor = None
        while True:
            page, cursor = lab.store.scan(prefix, cursor, limit)
            assert len(page) <= limit
            found += page
            if cursor is None:
                break
        assert (prefix, expected) == (prefix, [document.key for document in found])
        assert found == lab.store.load(expected)


@proves("DOC-3")
def test_scan_misses_nothing_that_stood_throughout(lab: Lab) -> None:
    """While others are written and deleted between the pages."""
    standing = [f"k{n:02}" for n in range(20)]
    for key in standing:
        _save(lab, key)
        _save(lab, key + "-passing")
    found: list[str] = []
    cursor, n = None, 0
    while True:
        page, cursor = lab.store.scan("k", cursor, 3)
        found += [document.key for document in page]
        if cursor is None:
            break
        for key in (f"k{n:02}-passing", f"k{n + 10:02}-passing"):
            document = lab.store.load([key])[0]
            if document is not None:
                _save(lab, key, None, document.version)
        _save(lab, f"k{n:02}-new")
        n += 1
    assert len(found) == len(set(found))
    assert set(standing) <= set(found)
    assert sorted(found) == found


@proves("DOC-4")
def test_of_racing_writers_of_one_version_one_writes(lab: Lab, profile: Profile) -> None:
    """Many at one moment, on clients of their own, several documents each: one wrote all of its, the others none."""
    stores = [lab.store, *(lab.client() for _ in range(5))]
    versions = [0, 0]
    for n in range(profile.rounds):
        values = [b"%d-%d" % (n, writer) for writer in range(len(stores))]
        calls = [
            partial(store.save, [Document("a", value, versions[0]), Document("b", value, versions[1])])
            for store, value in zip(stores, values, strict=True)
        ]
        answers = lab.race(*calls)
        (winner,) = [writer for writer, answer in enumerate(answers) if answer is not None]
        versions = answers[winner] or []
        expected = [Document(key, values[winner], version) for key, version in zip("ab", versions, strict=True)]
        assert expected == lab.store.load(["a", "b"])
