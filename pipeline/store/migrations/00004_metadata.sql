-- +goose Up
-- What a page says of itself: its last change in the form of date, its section, the address of its lead picture.
ALTER TABLE articles ADD COLUMN modified TEXT NOT NULL DEFAULT '';
ALTER TABLE articles ADD COLUMN section TEXT NOT NULL DEFAULT '';
ALTER TABLE articles ADD COLUMN image TEXT NOT NULL DEFAULT '';
