-- +goose Up
-- The staffing rules an office changed (编员规则). What has no row here follows
-- the shipped staffing.json.
CREATE TABLE org_staffing_rule (
	key     TEXT   NOT NULL PRIMARY KEY,
	body    TEXT   NOT NULL,
	version BIGINT NOT NULL
);

-- +goose Down
DROP TABLE org_staffing_rule;
