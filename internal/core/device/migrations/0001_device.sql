-- +goose Up
-- One device. The level columns hold the responsible nodes of its place,
-- department_id its owner where that is a department. quiet_at is when the
-- sweeper finds it offline; secret is the hash of its credential.
CREATE TABLE device (
	id            BYTEA  NOT NULL PRIMARY KEY,
	code          TEXT   NOT NULL UNIQUE,
	kind          TEXT   NOT NULL,
	name_zh       TEXT   NOT NULL,
	name_en       TEXT   NOT NULL,
	lon           DOUBLE PRECISION NOT NULL,
	lat           DOUBLE PRECISION NOT NULL,
	place         TEXT   NOT NULL,
	unit_id       BYTEA  NOT NULL,
	hub_id        BYTEA,
	street_id     BYTEA,
	platform_id   BYTEA,
	grid_id       BYTEA,
	micro_id      BYTEA,
	department_id BYTEA,
	purpose       TEXT   NOT NULL,
	sign          TEXT,
	state         TEXT   NOT NULL,
	last_at       BIGINT,
	since_at      BIGINT NOT NULL,
	quiet_at      BIGINT,
	quiet_minutes BIGINT NOT NULL,
	issued_at     BIGINT,
	secret        BYTEA,
	made_up       BIGINT NOT NULL,
	version       BIGINT NOT NULL
);
CREATE INDEX device_hub ON device (hub_id, kind, code);
CREATE INDEX device_street ON device (street_id, kind, code);
CREATE INDEX device_platform ON device (platform_id, kind, code);
CREATE INDEX device_grid ON device (grid_id, kind, code);
CREATE INDEX device_department ON device (department_id, kind, code);
CREATE INDEX device_quiet ON device (quiet_at) WHERE quiet_at IS NOT NULL;
CREATE UNIQUE INDEX device_secret ON device (secret) WHERE secret IS NOT NULL;
