-- +goose Up
-- How often somebody did a thing within an hour, counted from the journal. person
-- is the account for sign-ins that were slowed down.
CREATE TABLE access_use (
	person BYTEA  NOT NULL,
	kind   TEXT   NOT NULL,
	hour   BIGINT NOT NULL,
	n      BIGINT NOT NULL,
	PRIMARY KEY (person, kind, hour)
);
CREATE INDEX access_use_hour ON access_use (hour, kind);

-- One unusual use: a fact, the rule it met and the journal's entries behind it.
CREATE TABLE access_alarm (
	id           BYTEA  NOT NULL PRIMARY KEY,
	rule         TEXT   NOT NULL,
	person       BYTEA  NOT NULL,
	at           BIGINT NOT NULL,
	opened       BIGINT NOT NULL,
	value        BIGINT NOT NULL,
	bound        BIGINT NOT NULL,
	usual        BIGINT NOT NULL,
	entries      TEXT   NOT NULL,
	acknowledged BIGINT,
	by_person    BYTEA,
	note         TEXT,
	UNIQUE (rule, person, at)
);
CREATE INDEX access_alarm_opened ON access_alarm (opened, id);

-- Rules that the security administrator changed; all others are as shipped.
CREATE TABLE access_alarm_rule (
	rule    TEXT   NOT NULL PRIMARY KEY,
	body    TEXT   NOT NULL,
	version BIGINT NOT NULL
);

CREATE TABLE access_alarm_cursor (
	one    BIGINT NOT NULL PRIMARY KEY,
	number BIGINT NOT NULL
);

-- +goose Down
DROP TABLE access_alarm_cursor;
DROP TABLE access_alarm_rule;
DROP TABLE access_alarm;
DROP TABLE access_use;
