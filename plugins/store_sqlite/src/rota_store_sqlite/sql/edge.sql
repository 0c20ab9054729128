-- Edges from a parent to what depends on it.

-- name: add
-- (parent, child, open)
INSERT INTO edge (parent, child, open) VALUES (?, ?, ?) ON CONFLICT DO NOTHING

-- name: children
-- (parent) -> child of the edges that are open
SELECT child FROM edge WHERE parent = ? AND open = 1 ORDER BY child

-- name: end_parent
-- (parent)
UPDATE edge SET open = 0 WHERE parent = ? AND open = 1

-- name: left
-- (child) -> how many of its parents have not ended
SELECT count(*) FROM edge WHERE child = ? AND open = 1

-- name: parents
-- (child) -> how many parents it has
SELECT count(*) FROM edge WHERE child = ?

-- name: forget_child
-- (child): it is final, and needs its parents no more
DELETE FROM edge WHERE child = ?

-- name: holds
-- (parent) -> 1 when something that is not final depends on it
SELECT 1 FROM edge WHERE parent = ? LIMIT 1
