-- What a namespace keeps of itself, and its kinds.

-- name: find
-- (name) -> id
SELECT id FROM namespace WHERE name = ?

-- name: add
-- (name)
INSERT INTO namespace (name) VALUES (?) ON CONFLICT DO NOTHING

-- name: take_tokens
-- (number, ns) -> the last of so many new tokens
UPDATE namespace SET token = token + ? WHERE id = ? RETURNING token

-- name: take_version
-- (ns) -> a version that nothing had before
UPDATE namespace SET version = version + 1 WHERE id = ? RETURNING version

-- name: follow
-- (ns)
UPDATE namespace SET followed = 1 WHERE id = ?

-- name: take_changes
-- (number, ns) -> changes, dropped: the last of so many numbers for new changes, and the last that is no longer kept
UPDATE namespace SET changes = changes + ? WHERE id = ? RETURNING changes, dropped

-- name: drop_changes
-- (ns): none is kept
UPDATE namespace SET dropped = changes WHERE id = ?

-- name: state
-- (ns) -> followed, dropped, changes
SELECT followed, dropped, changes FROM namespace WHERE id = ?

-- name: set_dropped
-- (number, ns)
UPDATE namespace SET dropped = ? WHERE id = ?

-- name: kind
-- (ns, name) -> id, name, paused, descriptor, tat_us
SELECT id, name, paused, descriptor, tat_us FROM kind WHERE ns = ? AND name = ?

-- name: kind_by_id
-- (id) -> id, name, paused, descriptor, tat_us
SELECT id, name, paused, descriptor, tat_us FROM kind WHERE id = ?

-- name: kinds
-- (ns) -> id, name, paused, descriptor, tat_us, by name
SELECT id, name, paused, descriptor, tat_us FROM kind WHERE ns = ? ORDER BY name

-- name: add_kind
-- (ns, name) -> id
INSERT INTO kind (ns, name) VALUES (?, ?) RETURNING id

-- name: pause_kind
-- (paused, id)
UPDATE kind SET paused = ? WHERE id = ?

-- name: publish_kind
-- (descriptor, id)
UPDATE kind SET descriptor = ? WHERE id = ?

-- name: set_gate
-- (tat_us, kind)
UPDATE kind SET tat_us = ? WHERE id = ?

-- name: drop_kind_if_empty
-- (id): forgets a kind that has no instance, was not published and is not paused
DELETE FROM kind
WHERE id = ? AND paused = 0 AND descriptor IS NULL AND NOT EXISTS (SELECT 1 FROM instance WHERE kind = kind.id)

-- name: count
-- (kind, state, number): adds to a counter
INSERT INTO counter (kind, state, number) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET number = number + excluded.number

-- name: counters
-- (kind) -> state, number
SELECT state, number FROM counter WHERE kind = ? AND number <> 0

-- name: running
-- (kind) -> how many are PROCESSING
SELECT number FROM counter WHERE kind = ? AND state = 2

-- name: tidy_counters
-- (kind)
DELETE FROM counter WHERE kind = ? AND number = 0
