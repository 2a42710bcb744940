-- +goose Up
-- Roles that an office changed; all others are as shipped in roles.json.
CREATE TABLE access_role (
	key     TEXT   NOT NULL PRIMARY KEY,
	body    TEXT   NOT NULL,
	version BIGINT NOT NULL
);

-- One person, one account. name is folded to lower case. The secret of the
-- second factor is sealed with a key outside the database.
CREATE TABLE access_account (
	id         BYTEA  NOT NULL PRIMARY KEY,
	person     BYTEA  NOT NULL UNIQUE,
	name       TEXT   NOT NULL UNIQUE,
	password   TEXT,
	totp       BYTEA,
	totp_step  BIGINT NOT NULL,
	recovery   TEXT,
	language   TEXT   NOT NULL,
	post       BYTEA,
	created    BIGINT NOT NULL,
	created_by BYTEA,
	released   BIGINT,
	disabled   BIGINT,
	reset      BIGINT,
	demo       BIGINT NOT NULL,
	version    BIGINT NOT NULL
);

-- A device from which the owner has signed in before. Its failures are counted
-- apart, so that nobody elsewhere can make the owner wait.
CREATE TABLE access_device (
	hash    BYTEA  NOT NULL PRIMARY KEY,
	account BYTEA  NOT NULL,
	seen    BIGINT NOT NULL
);
CREATE INDEX access_device_account ON access_device (account);

-- One-time links to choose a password and a second factor. Only the hash of
-- the link is kept.
CREATE TABLE access_enrolment (
	hash     BYTEA  NOT NULL PRIMARY KEY,
	account  BYTEA  NOT NULL,
	factor   BIGINT NOT NULL,
	expires  BIGINT NOT NULL,
	password TEXT,
	totp     BYTEA
);
CREATE INDEX access_enrolment_account ON access_enrolment (account);

CREATE TABLE access_session (
	id      BYTEA  NOT NULL PRIMARY KEY,
	hash    BYTEA  NOT NULL UNIQUE,
	account BYTEA  NOT NULL,
	person  BYTEA  NOT NULL,
	post    BYTEA,
	via     TEXT   NOT NULL,
	began   BIGINT NOT NULL,
	seen    BIGINT NOT NULL,
	ends    BIGINT NOT NULL
);
CREATE INDEX access_session_account ON access_session (account);
CREATE INDEX access_session_ends ON access_session (ends);

-- What was granted to a person directly, not through a post.
CREATE TABLE access_grant (
	id         BYTEA  NOT NULL PRIMARY KEY,
	person     BYTEA  NOT NULL,
	role       TEXT   NOT NULL,
	level      TEXT   NOT NULL,
	node       BYTEA,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT,
	given_by   BYTEA,
	why        TEXT   NOT NULL,
	version    BIGINT NOT NULL
);
CREATE INDEX access_grant_person ON access_grant (person);

-- Failed attempts, counted under hashed keys (see attempt.go).
CREATE TABLE access_attempt (
	key      BYTEA  NOT NULL PRIMARY KEY,
	failures BIGINT NOT NULL,
	last     BIGINT NOT NULL,
	until    BIGINT NOT NULL
);
CREATE INDEX access_attempt_last ON access_attempt (last);

-- +goose Down
DROP TABLE access_attempt;
DROP TABLE access_grant;
DROP TABLE access_session;
DROP TABLE access_enrolment;
DROP TABLE access_device;
DROP TABLE access_account;
DROP TABLE access_role;
