-- State changes, kept while somebody follows.

-- name: add
-- (ns, number, body)
INSERT INTO change (ns, number, body) VALUES (?, ?, ?)

-- name: page
-- (ns, number, limit) -> number, body of those after it
SELECT number, body FROM change WHERE ns = ? AND number > ? ORDER BY number LIMIT ?

-- name: drop
-- (ns, number): it and those before it
DELETE FROM change WHERE ns = ? AND number <= ?
