-- +goose Up
-- Who may see a thing is said by a few thousand texts, which most entries repeat:
-- they were half of an entry's bytes. An entry names such a text by its key, "@"
-- and a part of its hash; older entries carry the text itself. Digests cover the
-- text, never the key.
CREATE TABLE journal_sight (
	key   TEXT NOT NULL PRIMARY KEY,
	sight TEXT NOT NULL
);
