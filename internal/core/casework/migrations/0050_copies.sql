-- +goose Up
-- The copy of a photo by staff that may leave the staff side: faces made
-- unrecognisable, looked at and released by a person. The photo itself stays.
CREATE TABLE case_copy (
	file_id     BYTEA  NOT NULL PRIMARY KEY,
	case_id     BYTEA  NOT NULL,
	state       TEXT   NOT NULL,
	searched    BIGINT NOT NULL,
	found       TEXT   NOT NULL,
	regions     TEXT   NOT NULL,
	view        TEXT,
	thumb       TEXT,
	version     BIGINT NOT NULL,
	person_id   BYTEA,
	post_id     BYTEA,
	at          BIGINT NOT NULL,
	released_at BIGINT
);
CREATE INDEX case_copy_case ON case_copy (case_id);
CREATE INDEX case_copy_view ON case_copy (view) WHERE view IS NOT NULL;
CREATE INDEX case_copy_thumb ON case_copy (thumb) WHERE thumb IS NOT NULL;
