-- +goose Up
-- Working calendars. A department's unit names one by its key.
CREATE TABLE cal_calendar (
	id        BYTEA  NOT NULL PRIMARY KEY,
	key       TEXT   NOT NULL UNIQUE,
	name_zh   TEXT   NOT NULL,
	name_en   TEXT   NOT NULL,
	note_zh   TEXT   NOT NULL,
	note_en   TEXT   NOT NULL,
	time_zone TEXT   NOT NULL,
	standard  BIGINT NOT NULL, -- 1: serves where no calendar is named
	version   BIGINT NOT NULL
);

-- The hours of a calendar from a date on (summer and winter hours).
CREATE TABLE cal_schedule (
	calendar            BYTEA  NOT NULL,
	valid_from          TEXT   NOT NULL, -- a date, YYYY-MM-DD
	weekdays            TEXT   NOT NULL,
	periods             TEXT   NOT NULL,
	periods_by_weekday  TEXT,
	nominal_day_minutes BIGINT NOT NULL,
	follows_holidays    BIGINT NOT NULL,
	PRIMARY KEY (calendar, valid_from)
);

-- What the State Council announced for a year.
CREATE TABLE cal_holiday_year (
	id      BYTEA  NOT NULL PRIMARY KEY,
	year    BIGINT NOT NULL UNIQUE,
	papers  TEXT   NOT NULL,
	version BIGINT NOT NULL
);

CREATE TABLE cal_holiday (
	year   BIGINT NOT NULL,
	date   TEXT   NOT NULL,
	name   TEXT   NOT NULL,
	is_off BIGINT NOT NULL,
	PRIMARY KEY (year, date)
);
