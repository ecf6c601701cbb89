-- +goose Up
-- What backfills store belongs to story 0, which is none, until the pass that joins it, in the order of publication, has come to it.
INSERT INTO stories (id, title, created) VALUES (0, '', 0);

-- past: a backfill stored it, so that what it says of its site, and when it was seen, is no news.
ALTER TABLE articles ADD COLUMN past BIGINT NOT NULL DEFAULT 0;
CREATE INDEX articles_unjoined ON articles (published, canonical, id) WHERE story = 0;

-- copy is where an archive has a copy of the page, '' for the page itself; taken is when it was taken.
ALTER TABLE items ADD COLUMN backfill BIGINT NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN copy TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN taken BIGINT NOT NULL DEFAULT 0;
CREATE INDEX items_backfill ON items (backfill, state) WHERE backfill <> 0;

-- A run is known by what was asked for, as it was typed: the same command goes on with it until it is finished.
CREATE TABLE backfills (
    id        {{key}},
    asked     TEXT NOT NULL,
    since_ms  BIGINT NOT NULL,
    until_ms  BIGINT NOT NULL,
    undated   BIGINT NOT NULL,
    most      BIGINT NOT NULL,
    started   BIGINT NOT NULL,
    finished  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX backfills_open ON backfills (asked) WHERE finished = 0;

-- How far its walk of a source is; the numbers are of finds.
CREATE TABLE backfill_sources (
    backfill BIGINT NOT NULL REFERENCES backfills (id) ON DELETE CASCADE,
    source   TEXT NOT NULL,
    cursor   TEXT NOT NULL,
    done     BIGINT NOT NULL,
    found    BIGINT NOT NULL,
    added    BIGINT NOT NULL,
    known    BIGINT NOT NULL,
    outside  BIGINT NOT NULL,
    failed   BIGINT NOT NULL,
    error    TEXT NOT NULL,
    PRIMARY KEY (backfill, source)
);
