-- Removes everything of a namespace (:ns) but its own row, whose numbers go on, so that no old one is ever right by accident.

-- name: lines
DELETE FROM line WHERE instance IN (SELECT n FROM instance WHERE ns = :ns)

-- name: edges
DELETE FROM edge WHERE child IN (SELECT n FROM instance WHERE ns = :ns)

-- name: instances
DELETE FROM instance WHERE ns = :ns

-- name: counters
DELETE FROM counter WHERE kind IN (SELECT id FROM kind WHERE ns = :ns)

-- name: lanes
DELETE FROM lane WHERE kind IN (SELECT id FROM kind WHERE ns = :ns)

-- name: kinds
DELETE FROM kind WHERE ns = :ns

-- name: workers
DELETE FROM worker WHERE ns = :ns

-- name: schedules
DELETE FROM schedule WHERE ns = :ns

-- name: documents
DELETE FROM document WHERE ns = :ns

-- name: changes
DELETE FROM change WHERE ns = :ns
