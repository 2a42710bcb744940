-- +goose Up
-- Purposes and retention classes that an office changed or added; all others
-- are as shipped in purposes.json and retention.json.
CREATE TABLE registry_purpose (
	key     TEXT   NOT NULL PRIMARY KEY,
	id      BYTEA  NOT NULL,
	content TEXT   NOT NULL,
	version BIGINT NOT NULL
);
CREATE TABLE registry_class (
	key     TEXT   NOT NULL PRIMARY KEY,
	id      BYTEA  NOT NULL,
	content TEXT   NOT NULL,
	version BIGINT NOT NULL
);

-- Sharing agreements: a department may open these fields for these purposes
-- while one is in force.
CREATE TABLE registry_agreement (
	id         BYTEA  NOT NULL PRIMARY KEY,
	department BYTEA  NOT NULL,
	purposes   TEXT   NOT NULL,
	fields     TEXT   NOT NULL,
	why        TEXT   NOT NULL,
	basis      TEXT   NOT NULL,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT NOT NULL,
	state      TEXT   NOT NULL,
	applied    TEXT   NOT NULL,
	applied_at BIGINT NOT NULL,
	decided    TEXT,
	decided_at BIGINT,
	decision   TEXT   NOT NULL,
	ended_at   BIGINT,
	version    BIGINT NOT NULL
);
CREATE INDEX registry_agreement_department ON registry_agreement (department, state);

-- Consent given for what a case holds, and its withdrawal.
CREATE TABLE registry_consent (
	id           BYTEA  NOT NULL PRIMARY KEY,
	case_id      BYTEA  NOT NULL,
	kind         TEXT   NOT NULL,
	given_by     TEXT   NOT NULL,
	way          TEXT   NOT NULL,
	at           BIGINT NOT NULL,
	recorded     TEXT   NOT NULL,
	withdrawn_at BIGINT
);
CREATE INDEX registry_consent_case ON registry_consent (case_id);

-- Legal holds: what they name does not end before their day.
CREATE TABLE registry_hold (
	id       BYTEA  NOT NULL PRIMARY KEY,
	case_id  BYTEA,
	class    TEXT,
	why      TEXT   NOT NULL,
	placed   TEXT   NOT NULL,
	at       BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	ended_at BIGINT,
	version  BIGINT NOT NULL
);
CREATE INDEX registry_hold_case ON registry_hold (case_id) WHERE case_id IS NOT NULL;

-- What people ask about their own data. Their words are sealed.
CREATE TABLE registry_request (
	id          BYTEA  NOT NULL PRIMARY KEY,
	case_id     BYTEA,
	account     BYTEA,
	kind        TEXT   NOT NULL,
	words       BYTEA,
	at          BIGINT NOT NULL,
	due_at      BIGINT NOT NULL,
	state       TEXT   NOT NULL,
	answer      TEXT   NOT NULL,
	answered    TEXT,
	answered_at BIGINT,
	version     BIGINT NOT NULL
);
CREATE INDEX registry_request_state ON registry_request (state, due_at);
CREATE INDEX registry_request_case ON registry_request (case_id) WHERE case_id IS NOT NULL;

-- Erasures of one person, decided by two.
CREATE TABLE registry_erasure (
	id          BYTEA  NOT NULL PRIMARY KEY,
	case_id     BYTEA  NOT NULL,
	request     BYTEA,
	why         TEXT   NOT NULL,
	goes        TEXT   NOT NULL,
	stays       TEXT   NOT NULL,
	state       TEXT   NOT NULL,
	proposed    TEXT   NOT NULL,
	proposed_at BIGINT NOT NULL,
	decided     TEXT,
	decided_at  BIGINT,
	done_at     BIGINT,
	bodies      BIGINT NOT NULL,
	version     BIGINT NOT NULL
);
CREATE INDEX registry_erasure_state ON registry_erasure (state, proposed_at);

-- Runs of the retention, with one line for each kind of data.
CREATE TABLE registry_run (
	id      BYTEA  NOT NULL PRIMARY KEY,
	began   BIGINT NOT NULL,
	ended   BIGINT,
	dry     BIGINT NOT NULL,
	via     TEXT   NOT NULL
);
CREATE INDEX registry_run_began ON registry_run (began);
CREATE TABLE registry_run_line (
	run    BYTEA  NOT NULL,
	place  BIGINT NOT NULL,
	step   TEXT   NOT NULL,
	class  TEXT   NOT NULL,
	fate   TEXT   NOT NULL,
	ended  BIGINT NOT NULL,
	held   BIGINT NOT NULL,
	kept   BIGINT NOT NULL,
	PRIMARY KEY (run, place)
);
