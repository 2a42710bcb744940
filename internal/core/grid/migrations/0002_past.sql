-- +goose Up
-- A grid as it was before each change: code, name, units and border are dated.
-- It replaces grid_boundary, which knew borders alone; what was changed before
-- this table was there is told with the attributes of today.
CREATE TABLE grid_past (
	grid       BYTEA  NOT NULL,
	version    BIGINT NOT NULL,
	kind       TEXT   NOT NULL,
	code       TEXT   NOT NULL,
	name       TEXT   NOT NULL,
	platform   BYTEA,
	street     BYTEA,
	parent     BYTEA,
	households BIGINT NOT NULL,
	shape      TEXT,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT NOT NULL,
	PRIMARY KEY (grid, version)
);
INSERT INTO grid_past (grid, version, kind, code, name, platform, street, parent, households, shape, valid_from, valid_to)
	SELECT b.grid, b.version, g.kind, g.code, g.name, g.platform, g.street, g.parent, g.households, b.shape, b.valid_from, b.valid_to
	FROM grid_boundary b JOIN grid_grid g ON g.id = b.grid;
DROP TABLE grid_boundary;
