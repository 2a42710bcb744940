-- +goose Up
-- Cases that came from another system, by what they are called there: the same
-- one is never taken twice. (DESIGN.md section 6, machine sources)
CREATE TABLE case_external (
	source      TEXT  NOT NULL,
	external_id TEXT  NOT NULL,
	case_id     BYTEA NOT NULL,
	PRIMARY KEY (source, external_id)
);
CREATE INDEX case_external_case ON case_external (case_id);
