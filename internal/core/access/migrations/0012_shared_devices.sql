-- +goose Up
-- A phone that several people of one unit use in turn (共用设备). Only hashes of
-- its secrets are kept. roles narrows the posts of the unit; empty: all of them.
CREATE TABLE access_shared (
	id         BYTEA  NOT NULL PRIMARY KEY,
	name       TEXT   NOT NULL,
	unit       BYTEA  NOT NULL,
	roles      TEXT   NOT NULL,
	created    BIGINT NOT NULL,
	created_by BYTEA,
	code       BYTEA UNIQUE,
	code_ends  BIGINT,
	secret     BYTEA UNIQUE,
	enrolled   BIGINT,
	revoked    BIGINT
);
ALTER TABLE access_session ADD COLUMN shared BYTEA;

-- +goose Down
DROP TABLE access_shared;
