-- +goose Up
-- Who somebody is at an identity provider of a department (外部身份). It opens an
-- account only after a second administrator released it. The issuer stands here
-- rather than the setting's key: a setting that is pointed elsewhere later must
-- not open anybody's account.
CREATE TABLE access_identity (
	id          BYTEA  NOT NULL PRIMARY KEY,
	account     BYTEA  NOT NULL,
	issuer      TEXT   NOT NULL,
	subject     TEXT   NOT NULL,
	created     BIGINT NOT NULL,
	created_by  BYTEA,
	released    BIGINT,
	released_by BYTEA,
	used        BIGINT,
	UNIQUE (issuer, subject)
);
CREATE INDEX access_identity_account ON access_identity (account);

-- issuer: the provider a session was begun with; sign_out: where it is ended
-- there too.
ALTER TABLE access_session ADD COLUMN issuer TEXT;
ALTER TABLE access_session ADD COLUMN sign_out TEXT;

-- +goose Down
ALTER TABLE access_session DROP COLUMN sign_out;
ALTER TABLE access_session DROP COLUMN issuer;
DROP TABLE access_identity;
