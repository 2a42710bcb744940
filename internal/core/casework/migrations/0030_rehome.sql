-- +goose Up
-- How far the open cases of an act of reorganisation have been brought to where
-- they belong now: the job goes on from here after a stop. node counts into the
-- act's list of nodes; last is the case it looked at last there.
CREATE TABLE case_rehome (
	act    BYTEA  NOT NULL PRIMARY KEY,
	node   BIGINT NOT NULL,
	last   BYTEA,
	looked BIGINT NOT NULL,
	moved  BIGINT NOT NULL,
	began  BIGINT NOT NULL,
	ended  BIGINT,
	passes BIGINT NOT NULL
);
