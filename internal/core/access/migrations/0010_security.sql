-- +goose Up
-- What the owner of an account and the administrators are told of its use, and
-- the code that opens a shared device (sealed).
ALTER TABLE access_account ADD COLUMN signed_in BIGINT;
ALTER TABLE access_account ADD COLUMN pin BYTEA;

-- confirmed: when the person last proved to be the owner, not only the holder of
-- the browser. address is a network (IPv4 address, IPv6 /64), client the kind of
-- browser, both for the owner's list of sessions alone.
ALTER TABLE access_session ADD COLUMN confirmed BIGINT;
ALTER TABLE access_session ADD COLUMN address TEXT;
ALTER TABLE access_session ADD COLUMN client TEXT;

-- A new second factor that its owner has not confirmed yet.
CREATE TABLE access_pending (
	account BYTEA  NOT NULL PRIMARY KEY,
	totp    BYTEA  NOT NULL,
	expires BIGINT NOT NULL
);

-- +goose Down
DROP TABLE access_pending;
