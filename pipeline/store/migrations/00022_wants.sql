-- +goose Up
-- Pages that a backfill named while they waited to be fetched for another one, whose range may be another: what that one does not want is
-- opened again for this one. source is the walk that named it.
CREATE TABLE backfill_wants (
    backfill BIGINT NOT NULL REFERENCES backfills (id) ON DELETE CASCADE,
    item     BIGINT NOT NULL REFERENCES items (id) ON DELETE CASCADE,
    source   TEXT NOT NULL,
    PRIMARY KEY (backfill, item)
);
CREATE INDEX backfill_wants_item ON backfill_wants (item);
