-- Small versioned documents.

-- name: find
-- (ns, key) -> value, version
SELECT value, version FROM document WHERE ns = ? AND key = ?

-- name: save
-- (ns, key, value, version)
INSERT INTO document (ns, key, value, version) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version

-- name: drop
-- (ns, key)
DELETE FROM document WHERE ns = ? AND key = ?

-- name: page
-- (ns, after, last, limit) -> key, value, version of the keys beyond the first text, up to the second
SELECT key, value, version FROM document WHERE ns = ? AND key > ? AND key <= ? ORDER BY key LIMIT ?

-- name: first_page
-- (ns, first, last, limit)
SELECT key, value, version FROM document WHERE ns = ? AND key >= ? AND key <= ? ORDER BY key LIMIT ?
