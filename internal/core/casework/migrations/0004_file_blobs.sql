-- +goose Up
-- The store's sweep asks which of its files are still referred to.
CREATE INDEX case_file_blob ON case_file (blob);
CREATE INDEX case_file_view ON case_file (view) WHERE view IS NOT NULL;
CREATE INDEX case_file_thumb ON case_file (thumb) WHERE thumb IS NOT NULL;
