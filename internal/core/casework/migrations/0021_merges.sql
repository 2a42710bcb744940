-- +goose Up
-- Which case a merged report points to, as long as it is merged.
CREATE TABLE case_merge (
	case_id   BYTEA  NOT NULL PRIMARY KEY,
	main_id   BYTEA  NOT NULL,
	person_id BYTEA,
	post_id   BYTEA,
	at        BIGINT NOT NULL
);
CREATE INDEX case_merge_main ON case_merge (main_id, at);
