-- +goose Up
-- When the content of a case ended, by its term or by an erasure. Retention walks
-- each item's closed cases that still have content, oldest first.
ALTER TABLE cases ADD COLUMN erased_at BIGINT;
CREATE INDEX cases_retention ON cases (item, closed_at, id)
	WHERE closed_at IS NOT NULL AND parent_id IS NULL AND (erased_at IS NULL OR erased_at < closed_at);
-- Originals of photos end before their display copies.
CREATE INDEX case_file_original ON case_file (at, id) WHERE state = 'attached' AND blob <> view;
