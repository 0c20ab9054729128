"""The five primitives against a model of them: a dict, and a number."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from rota.model.clock import SystemClock
from rota.store.ordered_kv import Found, Range

pytest.importorskip("lmdb", reason="the LMDB store needs lmdb: pip install lmdb")
from acme_rota_lmdb.store import LMDBKV

KEYS = st.lists(st.sampled_from([b"\0", b"#", b"=", b"a", b"b", b"\xff"]), min_size=1, max_size=3).map(b"".join)
BOUNDS = KEYS | st.just(b"")
VALUES = st.sampled_from([b"", b"1", b"x" * 5000])


class AgainstTheModel(RuleBasedStateMachine):
    """Two connections to one file, and what they have to answer."""

    @initialize()
    def connect(self) -> None:
        """An empty file."""
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "x.lmdb"
        self.kvs = [LMDBKV(self.path, 1 << 24, SystemClock()) for _ in range(2)]
        self.revision = 0
        self.values: dict[bytes, tuple[bytes, int]] = {}

    def teardown(self) -> None:
        """Nothing is left behind."""
        for kv in self.kvs:
            kv.close()
        self.folder.cleanup()

    @rule(data=st.data(), which=st.integers(0, 1), stale=st.booleans())
    def commit(self, data: st.DataObject, which: int, stale: bool) -> None:
        """All of it, or nothing when a check fails."""
        puts = data.draw(st.dictionaries(KEYS, VALUES, max_size=4), "puts")
        deletes = data.draw(st.sets(KEYS, max_size=3), "deletes") - puts.keys()
        checked = data.draw(st.sets(KEYS, max_size=3), "checked")
        checks = {key: self.values.get(key, (b"", 0))[1] for key in checked}
        if stale and checks:
            checks[min(checks)] += data.draw(st.sampled_from([-1, 1]), "by")
        expected = None if stale and checks else self.revision + 1
        assert expected == self.kvs[which].commit(checks, puts, deletes)
        if expected is not None:
            self.revision = expected
            self.values.update({key: (value, expected) for key, value in puts.items()})
            for key in deletes:
                self.values.pop(key, None)

    @rule(which=st.integers(0, 1), keys=st.lists(KEYS, max_size=3))
    def read_keys(self, which: int, keys: list[bytes]) -> None:
        """Values with the revisions that put them."""
        assert (self.revision, [self.values.get(key) for key in keys], []) == self.kvs[which].read(keys, [])

    @rule(which=st.integers(0, 1), bounds=st.tuples(BOUNDS, BOUNDS), limit=st.integers(0, 5), reverse=st.booleans())
    def read_range(self, which: int, bounds: tuple[bytes, bytes], limit: int, reverse: bool) -> None:
        """In the order of bytes, either way, no more than asked for."""
        start, end = bounds
        inside = sorted((key for key in self.values if start <= key < end), reverse=reverse)[:limit]
        expected = [Found(key, *self.values[key]) for key in inside]
        assert (self.revision, [], [expected]) == self.kvs[which].read([], [Range(start, end, limit, reverse)])

    @rule(which=st.integers(0, 1))
    def close(self, which: int) -> None:
        """What is closed opens again by itself, and the other connection goes on."""
        self.kvs[which].close()


AgainstTheModel.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAgainstTheModel = AgainstTheModel.TestCase
