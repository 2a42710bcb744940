-- +goose Up
-- Lists of what reaches somebody by name or beside the owner walk an index too:
-- the rows that say so know the case's state and place in the order, as the case's
-- own row does. Without it, whoever is named on very many cases paid for all of
-- them with each list.
ALTER TABLE case_named ADD COLUMN state TEXT NOT NULL DEFAULT '';
ALTER TABLE case_named ADD COLUMN list_at BIGINT NOT NULL DEFAULT 0;
UPDATE case_named SET state = (SELECT c.state FROM cases c WHERE c.id = case_named.case_id), list_at = (SELECT c.list_at FROM cases c WHERE c.id = case_named.case_id)
	WHERE EXISTS (SELECT 1 FROM cases c WHERE c.id = case_named.case_id);
CREATE INDEX case_named_list ON case_named (person_id, state, list_at, case_id);
ALTER TABLE case_side ADD COLUMN state TEXT NOT NULL DEFAULT '';
ALTER TABLE case_side ADD COLUMN list_at BIGINT NOT NULL DEFAULT 0;
UPDATE case_side SET state = (SELECT c.state FROM cases c WHERE c.id = case_side.case_id), list_at = (SELECT c.list_at FROM cases c WHERE c.id = case_side.case_id)
	WHERE EXISTS (SELECT 1 FROM cases c WHERE c.id = case_side.case_id);
CREATE INDEX case_side_list ON case_side (post_id, state, list_at, case_id, kind);

-- What a list is cut by and what a count asks stand in the index that is walked,
-- so that a row that does not fit costs no look into the table.
DROP INDEX cases_hub;
DROP INDEX cases_street;
DROP INDEX cases_platform;
DROP INDEX cases_grid;
DROP INDEX cases_department;
CREATE INDEX cases_hub ON cases (hub_id, state, list_at, id, near_at, secrecy, parent_id, item, channel);
CREATE INDEX cases_street ON cases (street_id, state, list_at, id, near_at, secrecy, parent_id, item, channel) WHERE street_id IS NOT NULL;
CREATE INDEX cases_platform ON cases (platform_id, state, list_at, id, near_at, secrecy, parent_id, item, channel) WHERE platform_id IS NOT NULL;
CREATE INDEX cases_grid ON cases (grid_id, state, list_at, id, near_at, secrecy, parent_id, item, channel) WHERE grid_id IS NOT NULL;
CREATE INDEX cases_department ON cases (department_id, state, list_at, id, near_at, secrecy, parent_id, item, channel) WHERE department_id IS NOT NULL;
-- A rare item among all cases of the district.
CREATE INDEX cases_item ON cases (item, state, list_at, id, secrecy, channel) WHERE parent_id IS NULL;
