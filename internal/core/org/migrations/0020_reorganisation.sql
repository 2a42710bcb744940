-- +goose Up
-- One row is one act of reorganisation (调整): of units, of statistical divisions
-- or of grids. content holds what has to be moved when the act takes effect.
CREATE TABLE org_act (
	id       BYTEA  NOT NULL PRIMARY KEY,
	tree     TEXT   NOT NULL,
	kind     TEXT   NOT NULL,
	at       BIGINT NOT NULL,
	recorded BIGINT NOT NULL,
	person   BYTEA,
	post     BYTEA,
	via      TEXT   NOT NULL,
	why      TEXT   NOT NULL,
	content  TEXT   NOT NULL,
	settled  BIGINT
);
CREATE INDEX org_act_at ON org_act (at, id);

-- Which nodes an act ended, began or changed, each as it was and as it is.
CREATE TABLE org_act_node (
	act  BYTEA  NOT NULL,
	node BYTEA  NOT NULL,
	part TEXT   NOT NULL,
	was  TEXT,
	now  TEXT,
	PRIMARY KEY (act, node)
);
CREATE INDEX org_act_node_node ON org_act_node (node);

-- How much of a node an heir took over, and by which act.
ALTER TABLE org_inheritance ADD COLUMN share DOUBLE PRECISION;
ALTER TABLE org_inheritance ADD COLUMN act BYTEA;

-- A unit as it was before each change: name, code and parent are dated.
CREATE TABLE org_unit_past (
	unit       BYTEA  NOT NULL,
	version    BIGINT NOT NULL,
	code       TEXT   NOT NULL,
	name_zh    TEXT   NOT NULL,
	name_en    TEXT   NOT NULL,
	parent     BYTEA,
	valid_from BIGINT,
	valid_to   BIGINT NOT NULL,
	PRIMARY KEY (unit, version)
);
CREATE INDEX org_unit_past_code ON org_unit_past (code);

-- A platform may cover a village again after a time without it.
CREATE TABLE org_platform_village_2 (
	platform   BYTEA  NOT NULL,
	village    BYTEA  NOT NULL,
	valid_from BIGINT,
	valid_to   BIGINT,
	seq        BIGINT NOT NULL,
	PRIMARY KEY (platform, village, seq)
);
INSERT INTO org_platform_village_2 (platform, village, valid_from, valid_to, seq)
	SELECT platform, village, valid_from, valid_to, 0 FROM org_platform_village;
DROP TABLE org_platform_village;
ALTER TABLE org_platform_village_2 RENAME TO org_platform_village;
CREATE INDEX org_platform_village_village ON org_platform_village (village);

