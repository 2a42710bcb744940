-- +goose Up
-- One row a count. node is a node of the managing organisation, a grid or, in
-- the third cube, the unit that acted; key is an item or a channel.
CREATE TABLE fig_count (
	cube    BIGINT NOT NULL,
	node    BYTEA  NOT NULL,
	key     TEXT   NOT NULL,
	day     BIGINT NOT NULL,
	measure TEXT   NOT NULL,
	n       BIGINT NOT NULL,
	PRIMARY KEY (cube, node, day, key, measure)
);
-- Stage times in logarithmic buckets, for medians and percentiles.
CREATE TABLE fig_time (
	node   BYTEA  NOT NULL,
	item   TEXT   NOT NULL,
	stage  TEXT   NOT NULL,
	day    BIGINT NOT NULL,
	bucket BIGINT NOT NULL,
	n      BIGINT NOT NULL,
	PRIMARY KEY (node, day, stage, item, bucket)
);
-- The last entry of the journal that was folded, and when.
CREATE TABLE fig_cursor (
	id     BIGINT PRIMARY KEY,
	number BIGINT NOT NULL,
	at     BIGINT NOT NULL
);
INSERT INTO fig_cursor (id, number, at) VALUES (1, 0, 0);
