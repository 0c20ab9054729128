"""What is asked for each job reads as much as it answers, however much stands in the file."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from rota_store_sqlite.statements import LAYOUT, schema, statements

#: A statement, and all that it may read: never a whole kind, and nothing but an index where that answers it.
PLANS = {
    "instance.by_id": "SEARCH instance USING INDEX instance_id (ns=? AND id=?)",
    "instance.holder": "SEARCH instance USING INDEX instance_unique (kind=? AND unique_key=?)",
    "instance.ready": "SEARCH instance USING COVERING INDEX instance_ready (kind=?)",
    "instance.next_due": "SEARCH instance USING COVERING INDEX instance_delayed (kind=? AND due_ms>?)",
    "instance.unpromoted": "SEARCH instance USING COVERING INDEX instance_delayed (kind=? AND due_ms<?)",
    "instance.held": "SEARCH instance USING INDEX instance_held (ns=? AND worker=?)",
    "instance.expired": "SEARCH instance USING INDEX instance_expiring (ns=? AND expires_ms>? AND expires_ms<?)",
    "instance.ended": "SEARCH instance USING COVERING INDEX instance_ended "
    "(kind=? AND state=? AND ended_ms>? AND ended_ms<?)",
    "lane.head": "SEARCH instance USING COVERING INDEX instance_lane (kind=? AND lane=? AND place=?)",
    "lane.first": "SEARCH instance USING COVERING INDEX instance_lane (kind=? AND lane=? AND place=?)",
    "lane.refilled": "SEARCH lane USING COVERING INDEX lane_refill (kind=? AND refill_ms<?)",
    "edge.left": "SEARCH edge USING COVERING INDEX edge_child (child=? AND open=?)",
    "log.oldest": "SEARCH line USING PRIMARY KEY (instance=?)",
}


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    """An empty file of the newest layout, in memory."""
    with closing(sqlite3.connect(":memory:")) as made:
        for layout in range(LAYOUT):
            made.executescript(schema(layout + 1))
        yield made


@pytest.mark.parametrize("name", PLANS)
def test_statement_of_every_job_reads_off_its_index(connection: sqlite3.Connection, name: str) -> None:
    """One search, of one index, and no sorting."""
    group, _, statement = name.partition(".")
    text = statements(group)[statement].replace("{columns}", "n, record")
    text = re.sub(r"\?\d*", "1", re.sub(r"--.*", "", text))
    assert [PLANS[name]] == [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")]
