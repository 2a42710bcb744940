-- +goose Up
-- One row per accepted command, so that the same command sent again has the same
-- outcome (DESIGN.md section 3, rule 5). result is the answer as it was given;
-- it is emptied when the content of its subject is erased.
CREATE TABLE http_receipt (
	id       BYTEA  NOT NULL PRIMARY KEY,
	op       TEXT   NOT NULL,
	actor    TEXT   NOT NULL,
	content  BYTEA  NOT NULL,
	subject  BYTEA,
	version  BIGINT NOT NULL,
	status   BIGINT NOT NULL,
	result   TEXT,
	at       BIGINT NOT NULL
);
CREATE INDEX http_receipt_at ON http_receipt (at);
CREATE INDEX http_receipt_subject ON http_receipt (subject);
