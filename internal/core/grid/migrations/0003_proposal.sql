-- +goose Up
-- A drawing that waits until somebody else has looked at it (划分方案). What is
-- proposed is JSON: it is only ever read whole.
CREATE TABLE grid_proposal (
	id         BYTEA  NOT NULL PRIMARY KEY,
	content    TEXT   NOT NULL,
	state      TEXT   NOT NULL,
	proposer   TEXT   NOT NULL,
	proposed   BIGINT NOT NULL,
	decider    TEXT,
	decided    BIGINT,
	note       TEXT   NOT NULL,
	act        BYTEA,
	version    BIGINT NOT NULL
);
CREATE INDEX grid_proposal_state ON grid_proposal (state, proposed);

-- +goose Down
DROP TABLE grid_proposal;
