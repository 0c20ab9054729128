"""The five primitives against a model of them: what is wrong here would be wrong everywhere in the suite."""

import uuid
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from rota.model.clock import SystemClock
from rota.store.ordered_kv import Found, Range
from rota.store.url import StoreURL

pytest.importorskip("lmdb", reason="the LMDB store needs lmdb: pip install lmdb")
from acme_rota_lmdb.store import LmdbKV

FILES: list[Path] = []
LONG_S = 30.0
ENDS = st.lists(st.sampled_from([b"\0", b"a", b"b", b"\xff"]), max_size=3).map(b"".join)
VALUES = st.sampled_from([b"", b"1", b"x" * 5000])


@pytest.fixture(autouse=True, scope="module")
def _file(tmp_path_factory: pytest.TempPathFactory) -> None:
    FILES[:] = [tmp_path_factory.mktemp("primitives") / "x.lmdb"]


def connection() -> LmdbKV:
    """One more connection to the file."""
    return LmdbKV(StoreURL.parse(f"lmdb:///{FILES[0]}"), SystemClock())


class AgainstTheModel(RuleBasedStateMachine):
    """Two connections to one backend, and what they have to answer. Every key starts with a prefix of this run."""

    @initialize()
    def connect(self) -> None:
        """What others have stored stays out of the way."""
        self.kvs = [connection(), connection()]
        self.prefix = uuid.uuid4().bytes
        self.revision, _, _ = self.kvs[0].read([], [])
        self.values: dict[bytes, tuple[bytes, int]] = {}

    def teardown(self) -> None:
        """Leave nothing behind."""
        for start in range(0, len(self.values), 32):
            self.kvs[0].commit({}, {}, list(self.values)[start : start + 32])
        for kv in self.kvs:
            kv.close()

    @rule(
        which=st.integers(0, 1),
        puts=st.dictionaries(ENDS, VALUES, max_size=4),
        deletes=st.sets(ENDS, max_size=3),
        checked=st.sets(ENDS, max_size=3),
        wrong=st.sampled_from(["", "", "newer", "absent"]),
    )
    def commit(
        self, which: int, puts: dict[bytes, bytes], deletes: set[bytes], checked: set[bytes], wrong: str
    ) -> None:
        """All of it with a revision that is higher than any, or nothing when a check fails."""
        checks = {key: self.values.get(key, (b"", 0))[1] for key in (self.prefix + end for end in checked)}
        if wrong and checks:
            right = checks[min(checks)]
            checks[min(checks)] = 0 if wrong == "absent" and right else right + 1
        new = {self.prefix + end: value for end, value in puts.items()}
        gone = {self.prefix + end for end in deletes} - new.keys()
        revision = self.kvs[which].commit(checks, new, gone)
        assert (revision is None) == bool(wrong and checks), "a check failed, or did not"
        if revision is not None and (new or gone):
            assert revision > self.revision, "revisions rise with each commit"
            self.revision = revision
            self.values.update({key: (value, revision) for key, value in new.items()})
            for key in gone:
                self.values.pop(key, None)

    @rule(which=st.integers(0, 1), ends=st.lists(ENDS, max_size=4))
    def read_keys(self, which: int, ends: list[bytes]) -> None:
        """Each with the revision of the commit that put it; None where nothing is."""
        keys = [self.prefix + end for end in ends]
        revision, values, pages = self.kvs[which].read(keys, [])
        assert [self.values.get(key) for key in keys] == values
        assert [] == pages
        assert self.revision <= revision

    @rule(which=st.integers(0, 1), start=ENDS, end=ENDS, limit=st.integers(1, 5), reverse=st.booleans())
    def read_range(self, which: int, start: bytes, end: bytes, limit: int, reverse: bool) -> None:
        """Start <= key < end in the order of bytes, no more than the limit, from the end that it begins at."""
        wanted = Range(self.prefix + start, self.prefix + end, limit, reverse)
        inside = sorted((key for key in self.values if wanted.start <= key < wanted.end), reverse=reverse)
        _, _, [page] = self.kvs[which].read([], [wanted])
        assert [Found(key, *self.values[key]) for key in inside[:limit]] == page

    @rule(which=st.integers(0, 1))
    def close(self, which: int) -> None:
        """What is closed connects anew, and the other goes on."""
        self.kvs[which].close()


AgainstTheModel.TestCase.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
TestAgainstTheModel = AgainstTheModel.TestCase


def test_racing_commits_count_up_and_lose_nothing() -> None:
    """Nobody comes between the checks of a commit and its puts."""
    kvs = [connection() for _ in range(4)]
    key = uuid.uuid4().bytes

    def count_up(kv: LmdbKV) -> None:
        for _ in range(25):
            done = None
            while done is None:
                _, [found], _ = kv.read([key], [])
                value, revision = found or (b"0", 0)
                done = kv.commit({key: revision}, {key: b"%d" % (int(value) + 1)}, [])

    threads = [Thread(target=count_up, args=(kv,)) for kv in kvs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, [found], _ = kvs[0].read([key], [])
    assert found is not None
    assert b"100" == found[0]
    kvs[0].commit({}, {}, [key])
    for kv in kvs:
        kv.close()


def test_wait_misses_no_commit_and_ends_with_close() -> None:
    """One before it, one meanwhile, of another connection; and a close."""
    kv, other = connection(), connection()
    key = uuid.uuid4().bytes
    before, _, _ = kv.read([], [])
    first = other.commit({}, {key: b"1"}, [])
    begun = monotonic()
    while (seen := kv.wait([key], before, round(LONG_S * 1000))) <= before:
        assert monotonic() - begun < LONG_S / 2
    assert first is not None
    assert first <= seen
    later = Thread(target=lambda: (Event().wait(0.2), other.commit({}, {key: b"2"}, [])))
    later.start()
    while kv.wait([key], seen, round(LONG_S * 1000)) <= seen:
        assert monotonic() - begun < LONG_S / 2
    later.join()
    now, _, _ = kv.read([], [])
    waiting = Thread(target=kv.wait, args=([key], now, round(LONG_S * 1000)))
    waiting.start()
    while waiting.is_alive():  # it may not have begun to wait
        kv.close()
        waiting.join(0.05)
    kv.close()  # it may have connected anew as it ended
    assert monotonic() - begun < LONG_S / 2
    other.commit({}, {}, [key])
    other.close()
