-- +goose Up
-- What was published as open data, month by month. A month that is out never
-- changes: two different editions of it could be subtracted from each other. n is
-- empty where a count is held back.
CREATE TABLE fig_open_month (
	month        BIGINT PRIMARY KEY,
	threshold    BIGINT NOT NULL,
	published_at BIGINT NOT NULL
);
CREATE TABLE fig_open (
	month  BIGINT NOT NULL REFERENCES fig_open_month (month),
	street TEXT   NOT NULL,
	item   TEXT   NOT NULL,
	labels TEXT   NOT NULL,
	n      BIGINT,
	PRIMARY KEY (month, street, item)
);
