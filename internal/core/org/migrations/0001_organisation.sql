-- +goose Up
-- The managing organisation and the departments: one row is one unit. Codes are
-- attributes and may change; ids never do (DESIGN.md section 3, rule 1).
CREATE TABLE org_unit (
	id            BYTEA  NOT NULL PRIMARY KEY,
	kind          TEXT   NOT NULL,
	key           TEXT,
	code          TEXT   NOT NULL UNIQUE,
	name_zh       TEXT   NOT NULL,
	name_en       TEXT   NOT NULL,
	parent        BYTEA,
	calendar      TEXT,
	duty_calendar TEXT,
	made_up       BIGINT NOT NULL,
	valid_from    BIGINT,
	valid_to      BIGINT,
	version       BIGINT NOT NULL
);
CREATE UNIQUE INDEX org_unit_key ON org_unit (key) WHERE key IS NOT NULL;
-- One installation is one district (DESIGN.md section 3, rule 2).
CREATE UNIQUE INDEX org_unit_one_hub ON org_unit (kind) WHERE kind = 'hub';

-- The statistical list, a tree of its own.
CREATE TABLE org_division (
	id         BYTEA NOT NULL PRIMARY KEY,
	code       TEXT  NOT NULL UNIQUE,
	name       TEXT  NOT NULL,
	level      TEXT  NOT NULL,
	parent     BYTEA,
	valid_from BIGINT,
	valid_to   BIGINT
);

-- A platform covers one or more villages for a period.
CREATE TABLE org_platform_village (
	platform   BYTEA NOT NULL,
	village    BYTEA NOT NULL,
	valid_from BIGINT,
	valid_to   BIGINT,
	PRIMARY KEY (platform, village)
);

CREATE INDEX org_platform_village_village ON org_platform_village (village);

CREATE TABLE org_post (
	id         BYTEA  NOT NULL PRIMARY KEY,
	role       TEXT   NOT NULL,
	name_zh    TEXT   NOT NULL,
	name_en    TEXT   NOT NULL,
	unit       BYTEA  NOT NULL,
	level      TEXT   NOT NULL,
	node       BYTEA  NOT NULL,
	fallback   BYTEA,
	made_up    BIGINT NOT NULL,
	valid_from BIGINT,
	valid_to   BIGINT,
	version    BIGINT NOT NULL
);

CREATE TABLE org_person (
	id         BYTEA  NOT NULL PRIMARY KEY,
	name       TEXT   NOT NULL,
	made_up    BIGINT NOT NULL,
	valid_from BIGINT,
	valid_to   BIGINT,
	version    BIGINT NOT NULL
);

-- Who holds a post or stands in for it, and from when to when.
CREATE TABLE org_holding (
	id         BYTEA  NOT NULL PRIMARY KEY,
	post       BYTEA  NOT NULL,
	person     BYTEA  NOT NULL,
	kind       TEXT   NOT NULL,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT,
	accepted   BIGINT,
	version    BIGINT NOT NULL
);

CREATE INDEX org_holding_post ON org_holding (post);
CREATE INDEX org_holding_person ON org_holding (person);

-- What a node took over at a reorganisation.
CREATE TABLE org_inheritance (
	heir  BYTEA  NOT NULL,
	taken BYTEA  NOT NULL,
	at    BIGINT NOT NULL,
	PRIMARY KEY (heir, taken)
);

-- +goose Down
DROP TABLE org_inheritance;
DROP TABLE org_holding;
DROP TABLE org_person;
DROP TABLE org_post;
DROP TABLE org_platform_village;
DROP TABLE org_division;
DROP TABLE org_unit;
