-- Lines that instances logged. `position` counts from 0 and goes on when old lines are dropped.

-- name: end
-- (instance) -> the position behind its last line, and where the next one starts
SELECT lines, coalesce((SELECT starts + size FROM line WHERE instance = instance.n ORDER BY position DESC LIMIT 1), 0)
FROM instance WHERE n = ?

-- name: set_end
-- (position, instance)
UPDATE instance SET lines = ? WHERE n = ?

-- name: add
-- (instance, position, token, n, attempt, at_ms, level, message, starts, size); nothing for one that is there
INSERT INTO line (instance, position, token, n, attempt, at_ms, level, message, starts, size)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

-- name: oldest
-- (instance) -> position, starts of its oldest line
SELECT position, starts FROM line WHERE instance = ? ORDER BY position LIMIT 1

-- name: drop_one
-- (instance, position)
DELETE FROM line WHERE instance = ? AND position = ?

-- name: drop
-- (instance)
DELETE FROM line WHERE instance = ?

-- name: drop_all
-- (instance...)
DELETE FROM line WHERE instance IN ({rows})

-- name: page
-- (instance, position, min_level, limit) -> lines from a position on
SELECT position, token, n, attempt, at_ms, level, message FROM line
WHERE instance = ? AND position >= ? AND level >= ? ORDER BY position LIMIT ?
