-- +goose Up
-- The indexes of posts hold what lists are cut by, like those of the levels.
DROP INDEX cases_post;
DROP INDEX cases_acting;
DROP INDEX cases_handler;
CREATE INDEX cases_post ON cases (post_id, state, list_at, id, secrecy, parent_id, item, channel);
CREATE INDEX cases_acting ON cases (acting_post_id, state, list_at, id, secrecy, parent_id, item, channel) WHERE acting_post_id <> post_id;
CREATE INDEX cases_handler ON cases (handler_post_id, state, list_at, id, secrecy, parent_id, item, channel) WHERE handler_post_id IS NOT NULL;
