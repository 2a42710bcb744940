-- +goose Up
-- Search on PostgreSQL: the same bigrams as on SQLite, as lexemes. A trigram
-- index finds nothing for words of two characters, which most Chinese words
-- are. (DESIGN.md section 5, search)
CREATE TABLE case_search (
	id    BYTEA    NOT NULL PRIMARY KEY,
	n     BIGSERIAL NOT NULL,
	terms TSVECTOR NOT NULL
);
CREATE INDEX case_search_terms ON case_search USING gin (terms);
