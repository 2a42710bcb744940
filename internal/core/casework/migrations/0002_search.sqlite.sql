-- +goose Up
-- Search on SQLite: words cut into bigrams in Go, with the places a case
-- belongs to among them, so that scope is part of the query. The index keeps no
-- text of its own; case_search_key gives each case a stable row number.
CREATE TABLE case_search_key (
	n  INTEGER PRIMARY KEY,
	id BYTEA NOT NULL UNIQUE
);
CREATE VIRTUAL TABLE case_search USING fts5(terms, content='', contentless_delete=1, detail=none, tokenize="unicode61 remove_diacritics 0");
