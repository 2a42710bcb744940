-- +goose Up
-- One storm of alarms is one case. At most one case of a source and key is
-- counted on at a time; the earlier ones stay with what they counted.
CREATE TABLE case_storm (
	case_id  BYTEA  NOT NULL PRIMARY KEY,
	source   TEXT   NOT NULL,
	alarm    TEXT   NOT NULL,
	current  BIGINT NOT NULL,
	n        BIGINT NOT NULL,
	first_at BIGINT NOT NULL,
	last_at  BIGINT NOT NULL,
	noted    BIGINT NOT NULL,
	noted_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX case_storm_current ON case_storm (source, alarm) WHERE current = 1;

-- Every row that a machine source ever sent is in one of the four counts.
CREATE TABLE case_source (
	source   TEXT   NOT NULL PRIMARY KEY,
	post_id  BYTEA  NOT NULL,
	opened   BIGINT NOT NULL,
	counted  BIGINT NOT NULL,
	repeated BIGINT NOT NULL,
	refused  BIGINT NOT NULL,
	first_at BIGINT NOT NULL,
	last_at  BIGINT NOT NULL
);
