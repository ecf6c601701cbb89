-- +goose Up
-- When polls brought something new, for each feed's rhythm; all in the index, so that items need not be read.
CREATE INDEX items_arrivals ON items (feed, first_seen, origin);
-- Since when a feed that had entries has none; 0: it has some.
ALTER TABLE feeds ADD COLUMN empty_since BIGINT NOT NULL DEFAULT 0;
CREATE INDEX deliveries_dead ON deliveries (channel, due) WHERE state = 'dead';
