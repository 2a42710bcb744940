-- +goose Up
-- Retention ends bodies class by class, oldest first.
CREATE INDEX journal_body_class ON journal_body (class, number);
