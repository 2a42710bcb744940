-- +goose Up
-- On which days somebody worked through which post; post is all zero for rights
-- given to the person directly. day is the district's midnight.
CREATE TABLE access_used (
	person BYTEA  NOT NULL,
	post   BYTEA  NOT NULL,
	day    BIGINT NOT NULL,
	PRIMARY KEY (person, post, day)
);
CREATE INDEX access_used_day ON access_used (day);

-- One round of looking again at who may do what. due is a day of the district
-- (2026-12-31); recorded is the first day of which use was known at its opening.
CREATE TABLE access_review (
	id        BYTEA  NOT NULL PRIMARY KEY,
	name      TEXT   NOT NULL,
	due       TEXT   NOT NULL,
	opened    BIGINT NOT NULL,
	opened_by BYTEA,
	recorded  BIGINT,
	closed    BIGINT,
	closed_by BYTEA
);
CREATE INDEX access_review_opened ON access_review (opened, id);

-- What a round found in force: an account, a grant or a holding, as it was when
-- the round was opened, and what was decided of it.
CREATE TABLE access_review_row (
	id         BYTEA  NOT NULL PRIMARY KEY,
	review     BYTEA  NOT NULL,
	number     BIGINT NOT NULL,
	opened     BIGINT NOT NULL,
	kind       TEXT   NOT NULL,
	subject    BYTEA  NOT NULL,
	person     BYTEA  NOT NULL,
	post       BYTEA,
	role       TEXT,
	level      TEXT,
	node       BYTEA,
	since      BIGINT NOT NULL,
	ends       BIGINT,
	used       BIGINT,
	decision   TEXT,
	why        TEXT,
	decided    BIGINT,
	decided_by BYTEA,
	UNIQUE (review, number)
);
CREATE INDEX access_review_row_opened ON access_review_row (opened);

-- +goose Down
DROP TABLE access_review_row;
DROP TABLE access_review;
DROP TABLE access_used;
