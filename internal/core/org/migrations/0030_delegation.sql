-- +goose Up
-- A post can be acted for in part, for a time (委托): who delegated it, which
-- permissions (none named: all that can be delegated), and why.
ALTER TABLE org_holding ADD COLUMN principal BYTEA;
ALTER TABLE org_holding ADD COLUMN part TEXT;
ALTER TABLE org_holding ADD COLUMN why TEXT;
CREATE INDEX org_holding_principal ON org_holding (principal);

-- +goose Down
DROP INDEX org_holding_principal;
ALTER TABLE org_holding DROP COLUMN why;
ALTER TABLE org_holding DROP COLUMN part;
ALTER TABLE org_holding DROP COLUMN principal;
