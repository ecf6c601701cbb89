-- +goose Up
-- about is what the configuration said of the alert's rule when it was raised (pipeline.About as JSON); '': nothing.
ALTER TABLE alerts ADD COLUMN about TEXT NOT NULL DEFAULT '';
