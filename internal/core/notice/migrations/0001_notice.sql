-- +goose Up
-- One message to one recipient. entry is the journal's number it follows from;
-- recipient is a person, or the case when it is for its reporter, or the post
-- while nobody is there. vars are what it says, in both languages: numbers,
-- times and names of posts and items, never a person's or a place's.
CREATE TABLE notice (
	id            BYTEA  NOT NULL PRIMARY KEY,
	entry         BIGINT NOT NULL,
	template      TEXT   NOT NULL,
	recipient     BYTEA  NOT NULL,
	person_id     BYTEA,
	post_id       BYTEA,
	subject       BYTEA  NOT NULL,
	case_id       BYTEA,
	hub_id        BYTEA,
	street_id     BYTEA,
	platform_id   BYTEA,
	grid_id       BYTEA,
	micro_id      BYTEA,
	department_id BYTEA,
	vars          TEXT   NOT NULL,
	urgent        BIGINT NOT NULL,
	must_act      BIGINT NOT NULL,
	gather        BIGINT NOT NULL,
	state         TEXT   NOT NULL,
	rung          BIGINT NOT NULL,
	rung_at       BIGINT,
	base_at       BIGINT,
	dead          BIGINT NOT NULL,
	held          TEXT,
	trouble       BIGINT NOT NULL,
	joined        BYTEA,
	parent        BYTEA,
	only_channel  TEXT,
	made_at       BIGINT NOT NULL,
	read_at       BIGINT,
	acted_at      BIGINT,
	acted_by      BYTEA,
	UNIQUE (entry, template, recipient)
);
CREATE INDEX notice_inbox ON notice (person_id, entry);
CREATE INDEX notice_unread ON notice (person_id, template) WHERE read_at IS NULL AND joined IS NULL;
CREATE INDEX notice_rung ON notice (rung_at) WHERE rung_at IS NOT NULL;
CREATE INDEX notice_subject ON notice (subject) WHERE state = 'open' OR state = 'delivered';
CREATE INDEX notice_trouble_hub ON notice (hub_id, entry) WHERE trouble = 1;
CREATE INDEX notice_trouble_street ON notice (street_id, entry) WHERE trouble = 1;
CREATE INDEX notice_trouble_platform ON notice (platform_id, entry) WHERE trouble = 1;
CREATE INDEX notice_trouble_grid ON notice (grid_id, entry) WHERE trouble = 1;
CREATE INDEX notice_trouble_department ON notice (department_id, entry) WHERE trouble = 1;

-- One message by one channel. target is the device of a push, else the
-- notice itself.
CREATE TABLE notice_delivery (
	id       BYTEA  NOT NULL PRIMARY KEY,
	notice   BYTEA  NOT NULL,
	channel  TEXT   NOT NULL,
	target   BYTEA  NOT NULL,
	state    TEXT   NOT NULL,
	reason   TEXT,
	attempts BIGINT NOT NULL,
	parts    BIGINT NOT NULL,
	made_at  BIGINT NOT NULL,
	sent_at  BIGINT,
	ended_at BIGINT,
	UNIQUE (notice, channel, target)
);

-- The segments of a text message by the centre's ids, for its receipts.
CREATE TABLE notice_part (
	message_id TEXT   NOT NULL,
	delivery   BYTEA  NOT NULL,
	state      TEXT   NOT NULL,
	at         BIGINT NOT NULL,
	PRIMARY KEY (message_id, delivery)
);
CREATE INDEX notice_part_delivery ON notice_part (delivery);

-- Templates that an office changed; all others are as shipped.
CREATE TABLE notice_template (
	key     TEXT   NOT NULL PRIMARY KEY,
	content TEXT   NOT NULL,
	version BIGINT NOT NULL
);

CREATE TABLE notice_setting (
	one     BIGINT NOT NULL PRIMARY KEY,
	content TEXT   NOT NULL,
	version BIGINT NOT NULL
);

-- Where a person of the staff wants to be reached, sealed.
CREATE TABLE notice_contact (
	person   BYTEA  NOT NULL,
	channel  TEXT   NOT NULL,
	address  BYTEA  NOT NULL,
	mask     TEXT   NOT NULL,
	enabled  BIGINT NOT NULL,
	changed  BIGINT NOT NULL,
	PRIMARY KEY (person, channel)
);

-- A browser that a person lets be alarmed; its address stands sealed.
CREATE TABLE notice_push (
	id       BYTEA  NOT NULL PRIMARY KEY,
	person   BYTEA  NOT NULL,
	endpoint BYTEA  NOT NULL UNIQUE,
	sealed   BYTEA  NOT NULL,
	label    TEXT   NOT NULL,
	made_at  BIGINT NOT NULL,
	used_at  BIGINT
);
CREATE INDEX notice_push_person ON notice_push (person);

-- Reporters who agreed to text messages about their case.
CREATE TABLE notice_consent (
	case_id   BYTEA  NOT NULL PRIMARY KEY,
	every     BIGINT NOT NULL,
	language  TEXT   NOT NULL,
	given_at  BIGINT NOT NULL,
	ended_at  BIGINT
);

CREATE TABLE notice_cursor (
	one    BIGINT NOT NULL PRIMARY KEY,
	number BIGINT NOT NULL,
	at     BIGINT NOT NULL
);
