-- Instances: adding, reading, changing and removing rows. {columns} are those of `entry.Entry`.

-- name: add
-- One row, unless the id is there. O(log n) in each index that it stands in.
INSERT INTO instance
    (ns, id, kind, state, place, rank, due_ms, lane, unique_key, expires_ms, record, history, entries)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (ns, id) DO NOTHING

-- name: by_id
-- (ns, id) -> {columns}
SELECT {columns} FROM instance WHERE ns = ? AND id = ?

-- name: by_n
-- (n) -> {columns}
SELECT {columns} FROM instance WHERE n = ?

-- name: by_ids
-- (ns, id...) -> {columns}; {rows} are as many ? as ids
SELECT {columns} FROM instance WHERE ns = ? AND id IN ({rows})

-- name: by_ns
-- (n...) -> {columns}
SELECT {columns} FROM instance WHERE n IN ({rows})

-- name: record
-- (ns, id) -> record
SELECT record FROM instance WHERE ns = ? AND id = ?

-- name: n_by_id
-- (ns, id) -> n, state, ended_ms
SELECT n, state, ended_ms FROM instance WHERE ns = ? AND id = ?

-- name: living
-- (ns, id...) -> id of those that have not ended
SELECT id FROM instance WHERE ns = ? AND id IN ({rows}) AND ended_ms IS NULL

-- name: holder
-- (kind, unique_key) -> id
SELECT id FROM instance WHERE kind = ? AND unique_key = ?

-- name: save
-- Everything of rows that a move may change; {rows} are tuples of it with n last.
UPDATE instance SET
    state = new.column1, place = new.column2, due_ms = new.column3, unique_key = new.column4, expires_ms = new.column5,
    worker = new.column6, token = new.column7, settled = new.column8, attempt = new.column9, crashes = new.column10,
    cancel = new.column11, started_ms = new.column12, ended_ms = new.column13, reason = new.column14,
    result = new.column15, error = new.column16, history = new.column17, entries = new.column18, dropped = new.column19
FROM (VALUES {rows}) AS new
WHERE n = new.column20

-- name: set_place
-- (place, n)
UPDATE instance SET place = ? WHERE n = ?

-- name: ready
-- (kind, limit) -> rank, due_ms, id, n, in ready order; read off the index alone
SELECT rank, due_ms, id, n FROM instance WHERE kind = ? AND place = 1 ORDER BY rank, due_ms, id LIMIT ?

-- name: promote
-- (kind, now_ms, limit) -> lane: what was delayed and is due becomes ready, or waits in its lane
UPDATE instance SET place = iif(lane IS NULL, 1, 3)
WHERE n IN (SELECT n FROM instance WHERE kind = ? AND place = 2 AND due_ms <= ? ORDER BY due_ms, id LIMIT ?)
RETURNING lane

-- name: next_due
-- (kind, after_ms) -> the earliest due time of the delayed after that
SELECT due_ms FROM instance WHERE kind = ? AND place = 2 AND due_ms > ? ORDER BY due_ms LIMIT 1

-- name: unpromoted
-- (kind, now_ms) -> how many of the delayed are due
SELECT count(*) FROM instance WHERE kind = ? AND place = 2 AND due_ms <= ?

-- name: held
-- (ns, worker) -> {columns} of what it holds
SELECT {columns} FROM instance INDEXED BY instance_held WHERE ns = ? AND worker = ? AND state = 2

-- name: requested
-- (ns, worker) -> id of what it holds and is asked to cancel
SELECT id FROM instance INDEXED BY instance_held
WHERE ns = ? AND worker = ? AND state = 2 AND cancel <> 0 ORDER BY id

-- name: orphans
-- (ns, limit) -> {columns} of what dead workers hold
SELECT {columns} FROM instance
WHERE state = 2 AND ns = ?1 AND worker IN (SELECT id FROM worker WHERE ns = ?1 AND dead = 1) LIMIT ?2

-- name: expired
-- (ns, now_ms, limit) -> {columns} of what expired and was never claimed
SELECT {columns} FROM instance
WHERE ns = ? AND expires_ms <= ? AND expires_ms IS NOT NULL AND token = 0 AND ended_ms IS NULL ORDER BY expires_ms LIMIT ?

-- name: history
-- (ns, id) -> history, entries, dropped
SELECT history, entries, dropped FROM instance WHERE ns = ? AND id = ?

-- name: ended
-- (kind, state, since_ms, until_ms) -> ended_ms, id, n, kind, state; those that ended first, first; off the index alone
SELECT ended_ms, id, n, kind, state FROM instance
WHERE kind = ? AND state = ? AND ended_ms IS NOT NULL AND ended_ms >= ? AND ended_ms < ? ORDER BY ended_ms, id

-- name: remove
-- (n...)
DELETE FROM instance WHERE n IN ({rows})

-- name: progress
-- (:progress, :message, :token, :line, :n): a newer progress of a row
UPDATE instance SET progress = :progress, progress_message = :message, progress_token = :token, progress_n = :line
WHERE n = :n
    AND (progress_token IS NULL OR progress_token < :token OR (progress_token = :token AND progress_n < :line))
