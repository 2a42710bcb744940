-- +goose Up
-- When an office changes a calendar or loads a year, the deadlines of running
-- clocks are computed anew.
CREATE INDEX case_clock_running ON case_clock (calendar) WHERE stopped_at IS NULL AND given = 0;
DROP INDEX case_clock_provisional;
