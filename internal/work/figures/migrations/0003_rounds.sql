-- +goose Up
-- Evaluation rounds of units, and the objections to them.
CREATE TABLE fig_round (
	id           BYTEA  PRIMARY KEY,
	name_zh      TEXT   NOT NULL,
	name_en      TEXT   NOT NULL,
	from_day     BIGINT NOT NULL,
	to_day       BIGINT NOT NULL,
	units        TEXT   NOT NULL,
	rule         TEXT   NOT NULL,
	state        TEXT   NOT NULL,
	made_at      BIGINT NOT NULL,
	person_id    BYTEA,
	post_id      BYTEA,
	for_id       BYTEA,
	opened_at    BIGINT,
	object_until BIGINT,
	ended_at     BIGINT,
	result       TEXT,
	version      BIGINT NOT NULL
);
CREATE TABLE fig_objection (
	id         BYTEA  PRIMARY KEY,
	round_id   BYTEA  NOT NULL REFERENCES fig_round (id),
	unit_id    BYTEA  NOT NULL,
	case_id    BYTEA  NOT NULL,
	rate       TEXT   NOT NULL,
	reason     TEXT   NOT NULL,
	at         BIGINT NOT NULL,
	person_id  BYTEA,
	post_id    BYTEA,
	for_id     BYTEA,
	state      TEXT   NOT NULL,
	effect     TEXT   NOT NULL,
	note       TEXT   NOT NULL,
	decided_at BIGINT,
	decided_by BYTEA,
	UNIQUE (round_id, unit_id, case_id, rate)
);
CREATE INDEX fig_objection_round ON fig_objection (round_id, at);
