-- +goose Up
-- Where the post stood that a row is about when the round was opened, so that who
-- fills posts reads the rows of his own part by an index. Rounds opened earlier
-- have none: only who decides over the whole sees their holdings.
ALTER TABLE access_review_row ADD COLUMN hub_id BYTEA;
ALTER TABLE access_review_row ADD COLUMN street_id BYTEA;
ALTER TABLE access_review_row ADD COLUMN platform_id BYTEA;
ALTER TABLE access_review_row ADD COLUMN grid_id BYTEA;
ALTER TABLE access_review_row ADD COLUMN micro_id BYTEA;
ALTER TABLE access_review_row ADD COLUMN department_id BYTEA;
CREATE INDEX access_review_row_street ON access_review_row (review, street_id, number) WHERE street_id IS NOT NULL;
CREATE INDEX access_review_row_platform ON access_review_row (review, platform_id, number) WHERE platform_id IS NOT NULL;
CREATE INDEX access_review_row_grid ON access_review_row (review, grid_id, number) WHERE grid_id IS NOT NULL;
CREATE INDEX access_review_row_micro ON access_review_row (review, micro_id, number) WHERE micro_id IS NOT NULL;
CREATE INDEX access_review_row_department ON access_review_row (review, department_id, number) WHERE department_id IS NOT NULL;

-- +goose Down
DROP INDEX access_review_row_department;
DROP INDEX access_review_row_micro;
DROP INDEX access_review_row_grid;
DROP INDEX access_review_row_platform;
DROP INDEX access_review_row_street;
ALTER TABLE access_review_row DROP COLUMN department_id;
ALTER TABLE access_review_row DROP COLUMN micro_id;
ALTER TABLE access_review_row DROP COLUMN grid_id;
ALTER TABLE access_review_row DROP COLUMN platform_id;
ALTER TABLE access_review_row DROP COLUMN street_id;
ALTER TABLE access_review_row DROP COLUMN hub_id;
