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

-- name: record
-- (ns, id) -> record
SELECT record FROM instance WHERE ns = ? AND id = ?

-- name: n_by_id
-- (ns, id) -> n, state, ended_ms
SELECT n, state, ended_ms FROM instance WHERE ns = ? AND id = ?

-- name: holder
-- (kind, unique_key) -> id
SELECT id FROM instance WHERE kind = ? AND unique_key = ?

-- name: save
-- Everything of a row that a move may change.
UPDATE instance SET
    state = ?, place = ?, due_ms = ?, unique_key = ?, expires_ms = ?, worker = ?, token = ?, settled = ?, attempt = ?,
    crashes = ?, cancel = ?, started_ms = ?, ended_ms = ?, reason = ?, result = ?, error = ?, history = ?, entries = ?,
    dropped = ?
WHERE n = ?

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

-- name: due
-- (kind, now_ms) -> how many are due, wherever they wait
SELECT count(*) FROM instance WHERE kind = ?1 AND (place IN (1, 3) OR (place = 2 AND due_ms <= ?2))

-- name: held
-- (ns, worker) -> {columns} of what it holds
SELECT {columns} FROM instance WHERE ns = ? AND worker = ? AND state = 2

-- name: requested
-- (ns, worker) -> id of what it holds and is asked to cancel
SELECT id FROM instance WHERE ns = ? AND worker = ? AND state = 2 AND cancel <> 0 ORDER BY id

-- name: deliver
-- (ns, worker)
UPDATE instance SET cancel = 2 WHERE ns = ? AND worker = ? AND state = 2 AND cancel = 1

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
-- (kind, state, since_ms, until_ms) -> ended_ms, id, n; those that ended first, first
SELECT ended_ms, id, n FROM instance
WHERE kind = ? AND state = ? AND ended_ms IS NOT NULL AND ended_ms >= ? AND ended_ms < ? ORDER BY ended_ms, id

-- name: remove
-- (n)
DELETE FROM instance WHERE n = ?

-- name: progress
-- (:progress, :message, :token, :line, :n): a newer progress of a row
UPDATE instance SET progress = :progress, progress_message = :message, progress_token = :token, progress_n = :line
WHERE n = :n
    AND (progress_token IS NULL OR progress_token < :token OR (progress_token = :token AND progress_n < :line))
