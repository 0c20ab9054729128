-- Workers and their leases, which are told by the machine's monotonic clock: no one who sets the wall clock ends one.

-- name: renew
-- (ns, id, boot, end_mono_ms, info): makes it live, or renews its lease; nothing for one that was reaped
INSERT INTO worker (ns, id, boot, end_mono_ms, info) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET boot = excluded.boot, end_mono_ms = excluded.end_mono_ms, info = excluded.info WHERE dead = 0

-- name: find
-- (ns, id) -> dead, info, asked, undelivered
SELECT dead, info, asked, undelivered FROM worker WHERE ns = ? AND id = ?

-- name: claims
-- (ns, id) -> seq, answer of one that is not dead
SELECT seq, answer FROM worker WHERE ns = ? AND id = ? AND dead = 0

-- name: answer
-- (seq, answer, ns, id)
UPDATE worker SET seq = ?, answer = ? WHERE ns = ? AND id = ?

-- name: answer_nothing
-- (seq, ns, id, seq)
UPDATE worker SET seq = ?, answer = NULL WHERE ns = ? AND id = ? AND (seq IS NULL OR seq < ?)

-- name: live
-- (ns, boot, now) -> info, by id, of those whose lease has not ended
SELECT info FROM worker WHERE ns = ? AND dead = 0 AND boot = ? AND end_mono_ms > ? ORDER BY id

-- name: bury
-- (ns, boot, now) -> id: marks those whose lease has ended as dead
UPDATE worker SET dead = 1, seq = NULL, answer = NULL WHERE ns = ? AND dead = 0 AND (boot <> ? OR end_mono_ms <= ?)
RETURNING id

-- name: forget_dead
-- (ns, ns, number): dead ones beyond the last so many, by id, which hold nothing any more
DELETE FROM worker WHERE ns = ?1 AND dead = 1
    AND id NOT IN (SELECT id FROM worker WHERE ns = ?1 AND dead = 1 ORDER BY end_mono_ms DESC LIMIT ?2)
    AND NOT EXISTS (SELECT 1 FROM instance WHERE ns = ?1 AND state = 2 AND worker = worker.id)

-- name: remove
-- (ns, id) -> id
DELETE FROM worker WHERE ns = ? AND id = ? RETURNING id

-- name: note
-- (ns, id): something is new to it
UPDATE worker SET undelivered = 1 WHERE ns = ? AND id = ? AND dead = 0

-- name: told
-- (ns, id)
UPDATE worker SET undelivered = 0 WHERE ns = ? AND id = ?

-- name: ask
-- (asked, ns, id)
UPDATE worker SET asked = ?, undelivered = 1 WHERE ns = ? AND id = ?
