-- +goose Up
-- One row is one case or task as it stands. The level columns hold the
-- responsible node at each level; list_at is what worklists are ordered by: the
-- due time of an open case, minus the end of a shut one. Worklists walk one of
-- the indexes below for each granted node and each state (DESIGN.md section 5).
CREATE TABLE cases (
	id              BYTEA  NOT NULL PRIMARY KEY,
	number          TEXT   NOT NULL,
	arrived         BIGINT,
	parent_id       BYTEA,
	task            TEXT,
	flow            TEXT   NOT NULL,
	item            TEXT   NOT NULL,
	item_version    BIGINT NOT NULL,
	condition       TEXT   NOT NULL,
	title           TEXT   NOT NULL,
	text            TEXT   NOT NULL,
	lon             DOUBLE PRECISION,
	lat             DOUBLE PRECISION,
	cell            BIGINT,
	place           TEXT   NOT NULL,
	hub_id          BYTEA  NOT NULL,
	street_id       BYTEA,
	platform_id     BYTEA,
	grid_id         BYTEA,
	micro_id        BYTEA,
	department_id   BYTEA,
	state           TEXT   NOT NULL,
	priority        TEXT   NOT NULL,
	secrecy         BIGINT NOT NULL,
	channel         TEXT   NOT NULL,
	post_id         BYTEA  NOT NULL,
	acting_post_id  BYTEA  NOT NULL,
	intake_post_id  BYTEA  NOT NULL,
	handler_post_id BYTEA,
	person_id       BYTEA,
	ask_post_id     BYTEA,
	clock_kind      TEXT,
	clock_row       BYTEA,
	clock_start     BIGINT,
	clock_limit     TEXT,
	clock_calendar  TEXT,
	clock_given     BIGINT NOT NULL,
	due_at          BIGINT,
	near_at         BIGINT,
	provisional     BIGINT NOT NULL,
	paused          BIGINT NOT NULL,
	remaining       BIGINT NOT NULL,
	clock_late_at   BIGINT,
	late            BIGINT NOT NULL,
	verify_state    TEXT   NOT NULL,
	check_state     TEXT   NOT NULL,
	resume_at       BIGINT,
	occurred_at     BIGINT NOT NULL,
	recorded_at     BIGINT NOT NULL,
	closed_at       BIGINT,
	list_at         BIGINT NOT NULL,
	version         BIGINT NOT NULL,
	made_up         BIGINT NOT NULL,
	facets          TEXT   NOT NULL
);
CREATE UNIQUE INDEX cases_number ON cases (number);
CREATE INDEX cases_parent ON cases (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX cases_hub ON cases (hub_id, state, list_at, id);
CREATE INDEX cases_street ON cases (street_id, state, list_at, id) WHERE street_id IS NOT NULL;
CREATE INDEX cases_platform ON cases (platform_id, state, list_at, id) WHERE platform_id IS NOT NULL;
CREATE INDEX cases_grid ON cases (grid_id, state, list_at, id) WHERE grid_id IS NOT NULL;
CREATE INDEX cases_micro ON cases (micro_id, state, list_at, id) WHERE micro_id IS NOT NULL;
CREATE INDEX cases_department ON cases (department_id, state, list_at, id) WHERE department_id IS NOT NULL;
CREATE INDEX cases_post ON cases (post_id, state, list_at, id);
CREATE INDEX cases_acting ON cases (acting_post_id, state, list_at, id) WHERE acting_post_id <> post_id;
CREATE INDEX cases_handler ON cases (handler_post_id, state, list_at, id) WHERE handler_post_id IS NOT NULL;
CREATE INDEX cases_asked ON cases (ask_post_id, state, list_at, id) WHERE ask_post_id IS NOT NULL;
-- Duplicates at intake: the same item near the same place.
CREATE INDEX cases_near ON cases (item, cell, recorded_at) WHERE cell IS NOT NULL;
-- The sweeper ends suspensions on their date.
CREATE INDEX cases_resume ON cases (resume_at) WHERE resume_at IS NOT NULL;

-- Every clock that ever ran on a case, with its pauses: what the explanation of
-- a deadline and the stage times come from.
CREATE TABLE case_clock (
	id          BYTEA  NOT NULL PRIMARY KEY,
	case_id     BYTEA  NOT NULL,
	kind        TEXT   NOT NULL,
	limits      TEXT   NOT NULL,
	calendar    TEXT   NOT NULL,
	given       BIGINT NOT NULL,
	start_at    BIGINT NOT NULL,
	due_at      BIGINT,
	provisional BIGINT NOT NULL,
	pauses      TEXT   NOT NULL,
	remaining   BIGINT NOT NULL,
	stopped_at  BIGINT,
	used_ms     BIGINT,
	late_at     BIGINT
);
CREATE INDEX case_clock_case ON case_clock (case_id, start_at);
-- The sweeper reads only clocks that run and were not yet found late.
CREATE INDEX case_clock_due ON case_clock (due_at) WHERE due_at IS NOT NULL AND stopped_at IS NULL AND late_at IS NULL;
-- Deadlines past the last announced year are computed anew when it is loaded.
CREATE INDEX case_clock_provisional ON case_clock (provisional) WHERE provisional = 1 AND stopped_at IS NULL;

-- Dispatches, newest on top: a return goes back along the open ones.
CREATE TABLE case_dispatch (
	id        BYTEA  NOT NULL PRIMARY KEY,
	case_id   BYTEA  NOT NULL,
	seq       BIGINT NOT NULL,
	from_post BYTEA  NOT NULL,
	to_post   BYTEA  NOT NULL,
	at        BIGINT NOT NULL,
	ended_at  BIGINT,
	ended     TEXT
);
CREATE INDEX case_dispatch_case ON case_dispatch (case_id, seq);

-- A claim is a lock of ten minutes: two acceptors, one case.
CREATE TABLE case_claim (
	case_id   BYTEA  NOT NULL PRIMARY KEY,
	person_id BYTEA  NOT NULL,
	post_id   BYTEA,
	until_at  BIGINT NOT NULL
);
CREATE INDEX case_claim_until ON case_claim (until_at);

-- The reporter, apart from the case; name and phone are sealed, the index finds
-- a phone again without opening anything.
CREATE TABLE case_party (
	case_id     BYTEA  NOT NULL PRIMARY KEY,
	name        BYTEA,
	phone       BYTEA,
	phone_index BYTEA,
	name_mask   TEXT,
	phone_mask  TEXT,
	form        BYTEA,
	at          BIGINT NOT NULL
);
CREATE INDEX case_party_phone ON case_party (phone_index, at) WHERE phone_index IS NOT NULL;

-- Who is named on a case that only named persons may see.
CREATE TABLE case_named (
	person_id BYTEA NOT NULL,
	case_id   BYTEA NOT NULL,
	PRIMARY KEY (person_id, case_id)
);
CREATE INDEX case_named_case ON case_named (case_id);

-- Photos and papers. A file without a case is an upload that waits to be used.
CREATE TABLE case_file (
	id        BYTEA  NOT NULL PRIMARY KEY,
	case_id   BYTEA,
	blob      TEXT   NOT NULL,
	view      TEXT,
	thumb     TEXT,
	kind      TEXT   NOT NULL,
	media     TEXT   NOT NULL,
	bytes     BIGINT NOT NULL,
	width     BIGINT NOT NULL,
	height    BIGINT NOT NULL,
	taken_at  BIGINT,
	lon       DOUBLE PRECISION,
	lat       DOUBLE PRECISION,
	person_id BYTEA,
	post_id   BYTEA,
	owner     TEXT,
	state     TEXT   NOT NULL,
	at        BIGINT NOT NULL
);
CREATE INDEX case_file_case ON case_file (case_id, at) WHERE case_id IS NOT NULL;
CREATE INDEX case_file_loose ON case_file (at) WHERE case_id IS NULL;
CREATE INDEX case_file_review ON case_file (state, at) WHERE state = 'quarantine';

-- Secret links to follow one's own report. Only hashes are stored.
CREATE TABLE case_link (
	id           BYTEA  NOT NULL PRIMARY KEY,
	case_id      BYTEA  NOT NULL,
	secret       BYTEA  NOT NULL,
	cookie       BYTEA,
	made_at      BIGINT NOT NULL,
	exchanged_at BIGINT,
	expires_at   BIGINT NOT NULL,
	revoked_at   BIGINT
);
CREATE UNIQUE INDEX case_link_secret ON case_link (secret);
CREATE UNIQUE INDEX case_link_cookie ON case_link (cookie) WHERE cookie IS NOT NULL;
CREATE INDEX case_link_case ON case_link (case_id);
