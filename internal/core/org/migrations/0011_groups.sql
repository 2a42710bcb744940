-- +goose Up
-- What the office changed in the lists of group kinds and skills; the rest
-- follows the shipped groups.json.
CREATE TABLE org_term (
	list    TEXT   NOT NULL,
	key     TEXT   NOT NULL,
	body    TEXT   NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (list, key)
);

-- Groups of people beside the posts (社会组织、小组). A group lies in a place as a
-- post does.
CREATE TABLE org_group (
	id         BYTEA  NOT NULL PRIMARY KEY,
	kind       TEXT   NOT NULL,
	name_zh    TEXT   NOT NULL,
	name_en    TEXT   NOT NULL,
	parent     BYTEA,
	unit       BYTEA  NOT NULL,
	level      TEXT   NOT NULL,
	node       BYTEA  NOT NULL,
	made_up    BIGINT NOT NULL,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT,
	version    BIGINT NOT NULL
);

-- A member is a person, or a unit of a joint body.
CREATE TABLE org_member (
	id         BYTEA  NOT NULL PRIMARY KEY,
	grp        BYTEA  NOT NULL,
	person     BYTEA,
	unit       BYTEA,
	role       TEXT   NOT NULL,
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT,
	version    BIGINT NOT NULL
);
CREATE INDEX org_member_group ON org_member (grp);

-- What a person or a post is good at (特长).
CREATE TABLE org_skill (
	subject BYTEA  NOT NULL,
	skill   TEXT   NOT NULL,
	noted   BIGINT NOT NULL,
	PRIMARY KEY (subject, skill)
);

-- +goose Down
DROP TABLE org_skill;
DROP TABLE org_member;
DROP TABLE org_group;
DROP TABLE org_term;
