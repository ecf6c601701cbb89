-- +goose Up
-- archived: a replay raised it. Of an alert: no live article was told of by it yet. Of a delivery: it waits, held, in its channel's line of the
-- archive, by bundle and pos, and goes out when nothing else waits for the channel.
ALTER TABLE alerts ADD COLUMN archived BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN archived BIGINT NOT NULL DEFAULT 0;
CREATE INDEX deliveries_archived ON deliveries (channel, bundle, pos) WHERE state = 'held' AND archived = 1;
-- What is held for a reason is looked for each moment, and must not be searched for among what waits in the line.
DROP INDEX deliveries_held;
CREATE INDEX deliveries_held ON deliveries (channel, due) WHERE state = 'held' AND archived = 0;
