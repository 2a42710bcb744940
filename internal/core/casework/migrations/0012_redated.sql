-- +goose Up
-- Deadlines that moved because a calendar was changed or a year of holidays was
-- loaded: what an office reads after such a change.
CREATE TABLE case_redated (
	id        BYTEA  NOT NULL PRIMARY KEY,
	case_id   BYTEA  NOT NULL,
	kind      TEXT   NOT NULL,
	calendar  TEXT   NOT NULL,
	before_at BIGINT NOT NULL,
	after_at  BIGINT NOT NULL,
	why       TEXT   NOT NULL,
	at        BIGINT NOT NULL
);
CREATE INDEX case_redated_at ON case_redated (at, id);
CREATE INDEX case_redated_case ON case_redated (case_id);
