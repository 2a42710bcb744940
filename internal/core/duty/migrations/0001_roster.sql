-- +goose Up
-- A roster: one desk or team that somebody must be on duty for (值班表). Kinds of
-- shift, crews and rotation are JSON: they are only ever read together.
CREATE TABLE duty_roster (
	id         BYTEA  NOT NULL PRIMARY KEY,
	unit       BYTEA  NOT NULL,
	name_zh    TEXT   NOT NULL,
	name_en    TEXT   NOT NULL,
	calendar   TEXT,
	pattern    TEXT   NOT NULL,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT,
	version    BIGINT NOT NULL
);

CREATE TABLE duty_shift (
	id        BYTEA  NOT NULL PRIMARY KEY,
	roster    BYTEA  NOT NULL,
	kind      TEXT   NOT NULL,
	starts    BIGINT NOT NULL,
	ends      BIGINT NOT NULL,
	need      BIGINT NOT NULL,
	cancelled BIGINT NOT NULL,
	version   BIGINT NOT NULL
);
-- Planning a week twice makes nothing twice.
CREATE UNIQUE INDEX duty_shift_once ON duty_shift (roster, starts, kind);

-- Who is on duty, from when to when. The roster stands here too, so that "who
-- is on duty now" reads one index.
CREATE TABLE duty_turn (
	id         BYTEA  NOT NULL PRIMARY KEY,
	shift      BYTEA  NOT NULL,
	roster     BYTEA  NOT NULL,
	person     BYTEA  NOT NULL,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT NOT NULL,
	version    BIGINT NOT NULL
);
CREATE INDEX duty_turn_shift ON duty_turn (shift);
CREATE INDEX duty_turn_person ON duty_turn (person, valid_to);
CREATE INDEX duty_turn_ends ON duty_turn (valid_to);

-- Somebody asks somebody to take a turn, in exchange for another or for nothing.
CREATE TABLE duty_swap (
	id       BYTEA  NOT NULL PRIMARY KEY,
	roster   BYTEA  NOT NULL,
	turn     BYTEA  NOT NULL,
	asker    BYTEA  NOT NULL,
	other    BYTEA  NOT NULL,
	for_turn BYTEA,
	why      TEXT   NOT NULL,
	state    TEXT   NOT NULL,
	asked    BIGINT NOT NULL,
	answered BIGINT,
	decided  BIGINT,
	decider  BYTEA,
	version  BIGINT NOT NULL
);
CREATE INDEX duty_swap_turn ON duty_swap (turn);
CREATE INDEX duty_swap_roster ON duty_swap (roster, state);

-- What a shift tells the next one (交接班).
CREATE TABLE duty_note (
	id           BYTEA  NOT NULL PRIMARY KEY,
	roster       BYTEA  NOT NULL,
	shift        BYTEA  NOT NULL,
	author       BYTEA  NOT NULL,
	body         TEXT   NOT NULL,
	written      BIGINT NOT NULL,
	confirmed    BIGINT,
	confirmed_by BYTEA,
	remark       TEXT   NOT NULL,
	version      BIGINT NOT NULL
);
CREATE UNIQUE INDEX duty_note_shift ON duty_note (shift);
CREATE INDEX duty_note_open ON duty_note (roster, confirmed);

-- +goose Down
DROP TABLE duty_note;
DROP TABLE duty_swap;
DROP TABLE duty_turn;
DROP TABLE duty_shift;
DROP TABLE duty_roster;
