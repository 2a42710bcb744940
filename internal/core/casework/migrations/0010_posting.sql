-- +goose Up
-- What is posted of an application before it is decided. The public list reads
-- what hangs out now.
CREATE TABLE case_posting (
	id       BYTEA  NOT NULL PRIMARY KEY,
	case_id  BYTEA  NOT NULL,
	text     TEXT   NOT NULL,
	from_at  BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	ended_at BIGINT
);
CREATE INDEX case_posting_now ON case_posting (until_at) WHERE ended_at IS NULL;
