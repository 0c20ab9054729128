-- Lines that instances logged. `position` counts from 0 and goes on when old lines are dropped.

-- name: kept
-- (instance) -> how many lines are kept, and their size
SELECT count(*), coalesce(sum(size), 0) FROM line WHERE instance = ?

-- name: end
-- (instance) -> the position behind its last line
SELECT lines FROM instance WHERE n = ?

-- name: set_end
-- (position, instance)
UPDATE instance SET lines = ? WHERE n = ?

-- name: add
-- (instance, position, token, n, attempt, at_ms, level, message, size); nothing for one that is there
INSERT INTO line (instance, position, token, n, attempt, at_ms, level, message, size)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

-- name: oldest
-- (instance) -> position, size of its oldest line
SELECT position, size FROM line WHERE instance = ? ORDER BY position LIMIT 1

-- name: drop_one
-- (instance, position)
DELETE FROM line WHERE instance = ? AND position = ?

-- name: drop
-- (instance)
DELETE FROM line WHERE instance = ?

-- name: page
-- (instance, position, min_level, limit) -> lines from a position on
SELECT position, token, n, attempt, at_ms, level, message FROM line
WHERE instance = ? AND position >= ? AND level >= ? ORDER BY position LIMIT ?
