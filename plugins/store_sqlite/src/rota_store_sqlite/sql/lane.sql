-- Lanes: the instances of a kind that share the key of its limit. What is asked of `instance` repeats the condition of
-- its index, without which SQLite would not know that it holds; INDEXED BY makes it an error if it did not use it.

-- name: find
-- (kind, name) -> running, tat_us, waiting, held
SELECT running, tat_us, waiting, held FROM lane WHERE kind = ? AND name = ?

-- name: save
-- (kind, name, running, tat_us, refill_ms, waiting, held)
INSERT INTO lane (kind, name, running, tat_us, refill_ms, waiting, held) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    running = excluded.running, tat_us = excluded.tat_us, refill_ms = excluded.refill_ms, waiting = excluded.waiting,
    held = excluded.held

-- name: remove
-- (kind, name)
DELETE FROM lane WHERE kind = ? AND name = ?

-- name: head
-- (kind, lane) -> n, rank, due_ms, id of the one that stands in the ready order
SELECT n, rank, due_ms, id FROM instance INDEXED BY instance_lane
WHERE kind = ? AND lane = ? AND place = 1 AND place IN (1, 3) LIMIT 1

-- name: first
-- (kind, lane) -> n, rank, due_ms, id of the first that waits in the lane
SELECT n, rank, due_ms, id FROM instance INDEXED BY instance_lane
WHERE kind = ? AND lane = ? AND place = 3 AND place IN (1, 3) ORDER BY rank, due_ms, id LIMIT 1

-- name: refilled
-- (kind, now_ms) -> name of the lanes whose rate lets the next one start
SELECT name FROM lane WHERE kind = ? AND refill_ms <= ?

-- name: next_refill
-- (kind) -> refill_ms
SELECT min(refill_ms) FROM lane WHERE kind = ? AND refill_ms IS NOT NULL

-- name: names
-- (kind) -> name of its lanes: those in which somebody runs, is ready or waits
SELECT name FROM lane WHERE kind = ?
