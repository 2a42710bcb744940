-- +goose Up
-- One row is one grid of a layer. Its id is its identity; the code is an
-- attribute (DESIGN.md section 3, rule 1). shape is as it was drawn, in units of
-- 1e-7 degree; borders are brought together when the layer is loaded.
CREATE TABLE grid_grid (
	id         BYTEA  NOT NULL PRIMARY KEY,
	layer      TEXT   NOT NULL,
	kind       TEXT   NOT NULL,
	code       TEXT   NOT NULL UNIQUE,
	name       TEXT   NOT NULL,
	platform   BYTEA,
	street     BYTEA,
	parent     BYTEA,
	households BIGINT NOT NULL,
	made_up    BIGINT NOT NULL,
	shape      TEXT   NOT NULL,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT,
	version    BIGINT NOT NULL
);

-- Every code ever given out, also before it is used and after its grid ended:
-- none is given out twice. scheme 'grid' is our own; others are aliases, such as
-- the numbers of a city management system (notes/domain.md 2a).
CREATE TABLE grid_code (
	scheme     TEXT   NOT NULL,
	code       TEXT   NOT NULL,
	layer      TEXT   NOT NULL,
	grid       BYTEA,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT,
	PRIMARY KEY (scheme, code)
);

CREATE INDEX grid_code_grid ON grid_code (grid);

-- Earlier borders of a grid that kept its identity.
CREATE TABLE grid_boundary (
	grid       BYTEA  NOT NULL,
	version    BIGINT NOT NULL,
	shape      TEXT   NOT NULL,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT NOT NULL,
	PRIMARY KEY (grid, version)
);

-- Who took over the ground of a grid that ended: one heir or several, of one
-- grid or several (split, merge).
CREATE TABLE grid_succession (
	old   BYTEA            NOT NULL,
	heir  BYTEA            NOT NULL,
	share DOUBLE PRECISION NOT NULL,
	at    BIGINT           NOT NULL,
	PRIMARY KEY (old, heir)
);

-- How the codes of a layer are made up, where it is not the default.
CREATE TABLE grid_template (
	id      BYTEA  NOT NULL PRIMARY KEY,
	layer   TEXT   NOT NULL UNIQUE,
	content TEXT   NOT NULL,
	version BIGINT NOT NULL
);

-- +goose Down
DROP TABLE grid_template;
DROP TABLE grid_succession;
DROP TABLE grid_boundary;
DROP TABLE grid_code;
DROP TABLE grid_grid;
