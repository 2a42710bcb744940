-- +goose Up
-- What an act settles is looked for by subject and person. With the subject alone
-- in the index, the whole inbox of whoever acted was read instead, at each act.
DROP INDEX notice_subject;
CREATE INDEX notice_settle ON notice (subject, person_id, entry) WHERE state = 'open' OR state = 'delivered';
