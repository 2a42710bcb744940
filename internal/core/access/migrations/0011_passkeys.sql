-- +goose Up
-- Something that was begun and waits for its answer from the same browser: a
-- passkey being made or used, a sign-in at another provider. Each serves once.
CREATE TABLE access_ceremony (
	hash    BYTEA  NOT NULL PRIMARY KEY,
	kind    TEXT   NOT NULL,
	account BYTEA,
	body    TEXT   NOT NULL,
	expires BIGINT NOT NULL
);

-- Public keys of authenticators; body is the record the library keeps.
CREATE TABLE access_passkey (
	id         BYTEA  NOT NULL PRIMARY KEY,
	account    BYTEA  NOT NULL,
	credential BYTEA  NOT NULL UNIQUE,
	name       TEXT   NOT NULL,
	body       TEXT   NOT NULL,
	created    BIGINT NOT NULL,
	used       BIGINT
);
CREATE INDEX access_passkey_account ON access_passkey (account);

-- +goose Down
DROP TABLE access_passkey;
DROP TABLE access_ceremony;
