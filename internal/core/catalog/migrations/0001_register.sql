-- +goose Up
-- The register of work items. One row a version; rows are only added, so a case
-- can always be read under the version it was reported with.
CREATE TABLE catalog_item (
	key        TEXT   NOT NULL,
	version    BIGINT NOT NULL,
	id         BYTEA  NOT NULL,
	status     TEXT   NOT NULL,
	from_at    BIGINT,
	until_at   BIGINT,
	content    TEXT   NOT NULL,
	acted      TEXT   NOT NULL,
	PRIMARY KEY (key, version)
);

-- What all items share: functions, reasons, stages, flows, clocks, dictionaries.
CREATE TABLE catalog_entry (
	kind    TEXT   NOT NULL,
	key     TEXT   NOT NULL,
	id      BYTEA  NOT NULL,
	place   BIGINT NOT NULL,
	version BIGINT NOT NULL,
	content TEXT   NOT NULL,
	PRIMARY KEY (kind, key)
);
