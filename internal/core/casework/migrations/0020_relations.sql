-- +goose Up
-- Relations between cases. A kind without a direction stands once, the smaller
-- id first; both ends find it.
CREATE TABLE case_relation (
	id        BYTEA  NOT NULL PRIMARY KEY,
	kind      TEXT   NOT NULL,
	from_case BYTEA  NOT NULL,
	to_case   BYTEA  NOT NULL,
	person_id BYTEA,
	post_id   BYTEA,
	at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX case_relation_once ON case_relation (from_case, to_case, kind);
CREATE INDEX case_relation_to ON case_relation (to_case);
