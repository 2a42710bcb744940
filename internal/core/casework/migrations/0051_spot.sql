-- +goose Up
-- Where on the map a case is: its tile at zoom 24 as one number, whose digits in
-- base 4 are the tiles above it. So one tile of any zoom is one range, and the
-- map reads one index. Older rows are given theirs in the background.
ALTER TABLE cases ADD COLUMN spot BIGINT;
CREATE INDEX cases_spot ON cases (spot) WHERE spot IS NOT NULL AND closed_at IS NULL AND parent_id IS NULL;
CREATE INDEX cases_spotless ON cases (id) WHERE lon IS NOT NULL AND spot IS NULL;
