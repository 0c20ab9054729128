-- State changes, kept while somebody follows.

-- name: add
-- (ns, body)
INSERT INTO change (ns, body) VALUES (?, ?)

-- name: last
-- the last number that was given to any change
SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'change'

-- name: page
-- (ns, number, limit) -> number, body of those after it
SELECT number, body FROM change WHERE ns = ? AND number > ? ORDER BY number LIMIT ?

-- name: oldest_beyond
-- (ns, number kept) -> the newest one to be dropped
SELECT number FROM change WHERE ns = ? ORDER BY number DESC LIMIT 1 OFFSET ?

-- name: drop
-- (ns, number): it and those before it
DELETE FROM change WHERE ns = ? AND number <= ?
