-- +goose Up
-- Posts beside the owner that see a case: those that co-operate on it, and
-- those to which it was raised. Lists walk the index for each post.
CREATE TABLE case_side (
	post_id BYTEA NOT NULL,
	case_id BYTEA NOT NULL,
	kind    TEXT  NOT NULL,
	PRIMARY KEY (post_id, case_id, kind)
);
CREATE INDEX case_side_case ON case_side (case_id);
-- What was granted on top of a clock's limit, and when and how often its
-- lateness was raised.
ALTER TABLE case_clock ADD COLUMN extensions TEXT NOT NULL DEFAULT '[]';
ALTER TABLE case_clock ADD COLUMN escalate_at BIGINT;
ALTER TABLE case_clock ADD COLUMN escalate_step BIGINT NOT NULL DEFAULT 0;
CREATE INDEX case_clock_escalate ON case_clock (escalate_at) WHERE escalate_at IS NOT NULL AND stopped_at IS NULL;
