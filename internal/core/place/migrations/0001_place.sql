-- +goose Up
-- One row is one place: an address of the tree or a facility. Its id is its
-- identity; name and codes are dated attributes. The five level columns say who
-- is responsible there; they follow from position, parent or home and are
-- brought up to date when grids or units change. seq moves with every change of
-- a row, in the order of the commits: the search index reads what is newer than
-- what it has.
CREATE TABLE place_place (
	id          BYTEA  NOT NULL PRIMARY KEY,
	kind        TEXT   NOT NULL,
	rank        BIGINT NOT NULL,
	parent      BYTEA,
	name        TEXT   NOT NULL,
	named_from  BIGINT NOT NULL,
	hub_id      BYTEA  NOT NULL,
	street_id   BYTEA,
	platform_id BYTEA,
	grid_id     BYTEA,
	micro_id    BYTEA,
	home        BYTEA,
	located     BIGINT NOT NULL,
	lon         DOUBLE PRECISION NOT NULL,
	lat         DOUBLE PRECISION NOT NULL,
	shown       BIGINT NOT NULL,
	content     TEXT   NOT NULL,
	made_up     BIGINT NOT NULL,
	valid_from  BIGINT NOT NULL,
	valid_to    BIGINT,
	version     BIGINT NOT NULL,
	seq         BIGINT NOT NULL
);

CREATE UNIQUE INDEX place_place_seq ON place_place (seq);
CREATE INDEX place_place_parent ON place_place (parent, name);
CREATE INDEX place_place_platform ON place_place (platform_id, name);
CREATE INDEX place_place_rank ON place_place (rank, id);

-- What else a place is or was called: names it had (曾用名) and names people use
-- for it (别名). The present name stands in its row.
CREATE TABLE place_name (
	place      BYTEA  NOT NULL,
	name       TEXT   NOT NULL,
	usage      TEXT   NOT NULL,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT,
	PRIMARY KEY (place, usage, name, valid_from)
);

-- Every code ever given to a place, by scheme; none is given to a second place.
CREATE TABLE place_code (
	scheme     TEXT   NOT NULL,
	code       TEXT   NOT NULL,
	place      BYTEA  NOT NULL,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT,
	PRIMARY KEY (scheme, code)
);

CREATE INDEX place_code_place ON place_code (place);

-- Kinds that the office added or changed; the others are as they ship.
CREATE TABLE place_kind (
	id      BYTEA  NOT NULL PRIMARY KEY,
	key     TEXT   NOT NULL UNIQUE,
	content TEXT   NOT NULL,
	version BIGINT NOT NULL
);

-- How far the places were brought into the grids and units in force.
CREATE TABLE place_state (
	key   TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);

-- +goose Down
DROP TABLE place_state;
DROP TABLE place_kind;
DROP TABLE place_code;
DROP TABLE place_name;
DROP TABLE place_place;
