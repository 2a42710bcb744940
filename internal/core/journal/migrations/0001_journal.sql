-- +goose Up
-- The journal: entries never change; a body can be erased, its digest stays.
CREATE TABLE journal_entry (
	number      BIGINT PRIMARY KEY,
	id          BYTEA  NOT NULL UNIQUE,
	kind        TEXT   NOT NULL,
	subject     BYTEA  NOT NULL,
	case_id     BYTEA,
	person_id   BYTEA,
	post_id     BYTEA,
	for_id      BYTEA,
	via         TEXT   NOT NULL,
	occurred_at BIGINT NOT NULL,
	recorded_at BIGINT NOT NULL,
	version     BIGINT NOT NULL,
	sight       TEXT   NOT NULL,
	before      TEXT,
	class       TEXT   NOT NULL,
	facts       TEXT   NOT NULL,
	body_digest BYTEA
);
CREATE INDEX journal_entry_case ON journal_entry (case_id, number) WHERE case_id IS NOT NULL;
CREATE INDEX journal_entry_subject ON journal_entry (subject, number);

CREATE TABLE journal_body (
	number  BIGINT PRIMARY KEY,
	class   TEXT   NOT NULL,
	salt    BYTEA  NOT NULL,
	content BYTEA  NOT NULL
);

-- One row per group of commands.
CREATE TABLE journal_seal (
	first BIGINT PRIMARY KEY,
	count BIGINT NOT NULL,
	root  BYTEA  NOT NULL,
	hash  BYTEA  NOT NULL
);

-- The end of the chain, locked by the writer that seals a group.
CREATE TABLE journal_head (
	one    BIGINT PRIMARY KEY CHECK (one = 1),
	number BIGINT NOT NULL,
	hash   BYTEA
);
INSERT INTO journal_head (one, number) VALUES (1, 0);
