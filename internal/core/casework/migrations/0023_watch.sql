-- +goose Up
-- Who wants to keep an eye on which case. It gives no right to see it.
CREATE TABLE case_watch (
	person_id BYTEA  NOT NULL,
	case_id   BYTEA  NOT NULL,
	post_id   BYTEA,
	at        BIGINT NOT NULL,
	PRIMARY KEY (person_id, case_id)
);
CREATE INDEX case_watch_case ON case_watch (case_id);
