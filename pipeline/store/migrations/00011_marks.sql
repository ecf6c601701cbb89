-- +goose Up
-- about is what the configuration said of the rule when the alert was raised (severity, tags, note), as JSON; '' of one that
-- was raised before.
ALTER TABLE alerts ADD COLUMN about TEXT NOT NULL DEFAULT '';

-- What a person says of an alert afterwards: right or wrong.
CREATE TABLE marks (
    alert   BIGINT PRIMARY KEY REFERENCES alerts (id) ON DELETE CASCADE,
    says    TEXT NOT NULL,
    by_name TEXT NOT NULL,
    note    TEXT NOT NULL,
    at_ms   BIGINT NOT NULL
);
