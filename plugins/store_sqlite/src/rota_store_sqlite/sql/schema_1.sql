-- The first layout. Times end in _ms and are by the host's wall clock; those in mono_ms are by its monotonic clock, which all
-- processes of one boot share. Records are msgpack of `rota.model.records`; ids of instances are 16 bytes.

CREATE TABLE namespace (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    token INTEGER NOT NULL DEFAULT 0,      -- the last one given to a claim
    version INTEGER NOT NULL DEFAULT 0,    -- the last one given to a schedule or document
    followed INTEGER NOT NULL DEFAULT 0,   -- 1 once somebody asked for changes
    changes INTEGER NOT NULL DEFAULT 0,    -- the number of the last change
    dropped INTEGER NOT NULL DEFAULT 0     -- those up to this number are no longer kept
) STRICT;

CREATE TABLE kind (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ns INTEGER NOT NULL,
    name TEXT NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0,
    descriptor BLOB,                       -- what workers published
    tat_us INTEGER NOT NULL DEFAULT 0,     -- of the gate's rate, see rota.engine.limits
    UNIQUE (ns, name)
) STRICT;

CREATE TABLE counter (
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,                -- or -1: held back in lanes, -2: delayed
    number INTEGER NOT NULL,
    PRIMARY KEY (kind, state)
) STRICT, WITHOUT ROWID;

-- place: 0 nowhere, 1 ready, 2 delayed, 3 waiting in its lane. Only the head of an eligible lane is ready.
CREATE TABLE instance (
    n INTEGER PRIMARY KEY,
    ns INTEGER NOT NULL,
    id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    place INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    lane TEXT,
    unique_key TEXT,                       -- while it is held
    expires_ms INTEGER,
    worker TEXT,
    token INTEGER NOT NULL DEFAULT 0,
    settled INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    cancel INTEGER NOT NULL DEFAULT 0,     -- 1 requested, 2 delivered
    started_ms INTEGER,
    ended_ms INTEGER,
    reason TEXT,
    record BLOB NOT NULL,
    result BLOB,
    error BLOB,
    history BLOB NOT NULL,                 -- entries one after the other
    entries INTEGER NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0,
    lines INTEGER NOT NULL DEFAULT 0,      -- the position of its next line
    progress REAL,
    progress_message TEXT,
    progress_token INTEGER,
    progress_n INTEGER
) STRICT;

CREATE UNIQUE INDEX instance_id ON instance (ns, id);
CREATE INDEX instance_kind ON instance (kind, id);
-- `place` is in these for SQLite before 3.41, which reads the row to see what the condition of the index says already.
CREATE INDEX instance_ready ON instance (kind, rank, due_ms, id, place) WHERE place = 1;
CREATE INDEX instance_delayed ON instance (kind, due_ms, id, place) WHERE place = 2;
CREATE INDEX instance_lane ON instance (kind, lane, place, rank, due_ms, id) WHERE lane IS NOT NULL AND place IN (1, 3);
CREATE INDEX instance_held ON instance (ns, worker) WHERE state = 2;
CREATE INDEX instance_ended ON instance (kind, state, ended_ms, id) WHERE ended_ms IS NOT NULL;
CREATE INDEX instance_expiring ON instance (ns, expires_ms)
    WHERE expires_ms IS NOT NULL AND token = 0 AND ended_ms IS NULL;
CREATE UNIQUE INDEX instance_unique ON instance (kind, unique_key) WHERE unique_key IS NOT NULL;

CREATE TABLE lane (
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    running INTEGER NOT NULL DEFAULT 0,    -- PROCESSING instances
    tat_us INTEGER NOT NULL DEFAULT 0,
    refill_ms INTEGER,                     -- when time alone lets the next one start, while somebody waits for that
    waiting INTEGER NOT NULL DEFAULT 0,    -- instances in place 3
    held INTEGER NOT NULL DEFAULT 0,       -- of them, those that the limit holds back: all while none is ready, else 0
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX lane_refill ON lane (kind, refill_ms) WHERE refill_ms IS NOT NULL;

-- open: the parent has not ended. An edge stays until its child is final, and keeps its parent from being purged.
CREATE TABLE edge (
    parent INTEGER NOT NULL,
    child INTEGER NOT NULL,
    open INTEGER NOT NULL,
    PRIMARY KEY (parent, child)
) STRICT, WITHOUT ROWID;

CREATE INDEX edge_child ON edge (child, open);

CREATE TABLE worker (
    ns INTEGER NOT NULL,
    id TEXT NOT NULL,
    boot TEXT NOT NULL,                    -- of the machine: a lease does not outlive it
    end_mono_ms INTEGER NOT NULL,
    info BLOB NOT NULL,
    dead INTEGER NOT NULL DEFAULT 0,       -- reaped, kept so that it is told
    seq INTEGER,
    answer BLOB,
    asked INTEGER,                         -- the concurrency that it was asked for
    undelivered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (ns, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE line (
    instance INTEGER NOT NULL,
    position INTEGER NOT NULL,
    token INTEGER NOT NULL,
    n INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    level INTEGER NOT NULL,
    message TEXT NOT NULL,
    starts INTEGER NOT NULL,               -- the size of all before it
    size INTEGER NOT NULL,                 -- of its message, in bytes of UTF-8
    PRIMARY KEY (instance, position)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX line_name ON line (instance, token, n);

CREATE TABLE change (
    ns INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (ns, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule (
    ns INTEGER NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,                   -- empty for none
    next_slot_ms INTEGER,                  -- NULL too while it is paused
    version INTEGER NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (ns, name, owner)
) STRICT, WITHOUT ROWID;

CREATE INDEX schedule_due ON schedule (ns, next_slot_ms, name) WHERE next_slot_ms IS NOT NULL;

CREATE TABLE document (
    ns INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (ns, key)
) STRICT, WITHOUT ROWID;
