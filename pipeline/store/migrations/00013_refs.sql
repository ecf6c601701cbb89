-- +goose Up
-- ref is what the receiver called the message when it took it, '' where it gives messages no name: later ones can refer to it.
ALTER TABLE deliveries ADD COLUMN ref TEXT NOT NULL DEFAULT '';
