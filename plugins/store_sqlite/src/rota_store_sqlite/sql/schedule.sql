-- Recurring rules. An owner of '' stands for none.

-- name: find
-- (ns, name, owner) -> record
SELECT record FROM schedule WHERE ns = ? AND name = ? AND owner = ?

-- name: save
-- (ns, name, owner, next_slot_ms, version, record)
INSERT INTO schedule (ns, name, owner, next_slot_ms, version, record) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    next_slot_ms = excluded.next_slot_ms, version = excluded.version, record = excluded.record

-- name: all
-- (ns) -> record, by name
SELECT record FROM schedule WHERE ns = ? ORDER BY name, owner

-- name: of_owner
-- (ns, owner) -> name
SELECT name FROM schedule WHERE ns = ? AND owner = ?

-- name: drop
-- (ns, name, owner) -> name
DELETE FROM schedule WHERE ns = ? AND name = ? AND owner = ? RETURNING name

-- name: due
-- (ns, now_ms, limit) -> record, earliest first
SELECT record FROM schedule WHERE ns = ? AND next_slot_ms <= ? ORDER BY next_slot_ms, name LIMIT ?

-- name: next
-- (ns, now_ms) -> the next slot still to come
SELECT min(next_slot_ms) FROM schedule WHERE ns = ? AND next_slot_ms > ?
