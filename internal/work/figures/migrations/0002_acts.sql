-- +goose Up
-- Counts and times know how confidential the matter was, so that a reader gets
-- no more than his role may see; times know the unit too. Everything here is
-- what the journal adds up to: the cursor goes back and all is folded anew.
DROP TABLE fig_count;
CREATE TABLE fig_count (
	cube    BIGINT NOT NULL,
	node    BYTEA  NOT NULL,
	day     BIGINT NOT NULL,
	key     TEXT   NOT NULL,
	secrecy BIGINT NOT NULL,
	measure TEXT   NOT NULL,
	n       BIGINT NOT NULL,
	PRIMARY KEY (cube, node, day, key, secrecy, measure)
);
DROP TABLE fig_time;
CREATE TABLE fig_time (
	cube    BIGINT NOT NULL,
	node    BYTEA  NOT NULL,
	day     BIGINT NOT NULL,
	stage   TEXT   NOT NULL,
	item    TEXT   NOT NULL,
	secrecy BIGINT NOT NULL,
	bucket  BIGINT NOT NULL,
	n       BIGINT NOT NULL,
	PRIMARY KEY (cube, node, day, stage, item, secrecy, bucket)
);
-- One row an act that some figure counts: the source of every number. Place and
-- what are numbers that follow from their content, so that a row stays small and
-- a second folding makes the same ones.
CREATE TABLE fig_place (
	id       BIGINT PRIMARY KEY,
	hub      BYTEA,
	street   BYTEA,
	platform BYTEA,
	grid     BYTEA,
	micro    BYTEA
);
CREATE TABLE fig_what (
	id      BIGINT PRIMARY KEY,
	item    TEXT   NOT NULL,
	channel TEXT   NOT NULL,
	unit    BYTEA,
	stage   TEXT   NOT NULL,
	secrecy BIGINT NOT NULL
);
CREATE TABLE fig_act (
	place    BIGINT NOT NULL,
	day      BIGINT NOT NULL,
	number   BIGINT NOT NULL,
	what     BIGINT NOT NULL,
	measures BIGINT NOT NULL,
	case_id  BYTEA  NOT NULL,
	PRIMARY KEY (place, day, number)
);
UPDATE fig_cursor SET number = 0, at = 0 WHERE id = 1;
