-- +goose Up
-- Work that must happen after a command was committed. at is when it may be
-- taken next: a runner that takes a job moves it to the end of its lease, so a
-- job whose runner died comes back by itself. A job that is done is deleted; one
-- that failed too often stays as 'failed' until a person decides.
CREATE TABLE job (
	id       BYTEA  NOT NULL PRIMARY KEY,
	kind     TEXT   NOT NULL,
	args     TEXT   NOT NULL,
	state    TEXT   NOT NULL,
	due      BIGINT NOT NULL,
	at       BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	lease    BYTEA,
	code     TEXT,
	enqueued BIGINT NOT NULL
);
CREATE INDEX job_at ON job (state, at);

-- One row per repeating act, so that two nodes don't do it at the same time.
CREATE TABLE job_timer (
	name     TEXT   NOT NULL PRIMARY KEY,
	at       BIGINT NOT NULL,
	lease    BYTEA,
	lease_to BIGINT,
	done     BIGINT,
	failures BIGINT NOT NULL,
	code     TEXT
);
