-- +goose Up
-- A message that somebody wrote by hand (手写通知). node is the unit or the grid it
-- goes to, with its place; entry is the journal's number from which it goes out,
-- done_to the last post that was looked at.
CREATE TABLE notice_message (
	id            BYTEA  NOT NULL PRIMARY KEY,
	scope         TEXT   NOT NULL,
	node          BYTEA  NOT NULL,
	hub_id        BYTEA,
	street_id     BYTEA,
	platform_id   BYTEA,
	grid_id       BYTEA,
	department_id BYTEA,
	roles         TEXT   NOT NULL,
	title_zh      TEXT   NOT NULL,
	title_en      TEXT   NOT NULL,
	body_zh       TEXT   NOT NULL,
	body_en       TEXT   NOT NULL,
	urgent        BIGINT NOT NULL,
	must_act      BIGINT NOT NULL,
	state         TEXT   NOT NULL,
	author        BYTEA  NOT NULL,
	author_post   BYTEA,
	author_for    BYTEA,
	written_at    BIGINT NOT NULL,
	decider       BYTEA,
	decided_at    BIGINT,
	remark        TEXT,
	entry         BIGINT,
	posts         BIGINT NOT NULL,
	looked        BIGINT NOT NULL,
	done_to       BYTEA,
	sent_at       BIGINT,
	version       BIGINT NOT NULL
);
CREATE INDEX notice_message_hub ON notice_message (hub_id, written_at);
CREATE INDEX notice_message_street ON notice_message (street_id, written_at);
CREATE INDEX notice_message_platform ON notice_message (platform_id, written_at);
CREATE INDEX notice_message_grid ON notice_message (grid_id, written_at);
CREATE INDEX notice_message_department ON notice_message (department_id, written_at);
