-- +goose Up
-- by_key (in double braces) keeps rows in the order of their key, where a database can.

-- Where a block of text was seen: the raw material of learning. hash is of the folded text; alien says that it shares no word
-- of weight with the title; head and tail how many kept blocks stood before and after it. The story is the article's own, so
-- that merges count. An article writes some dozens of rows at once, so they lie together.
CREATE TABLE site_blocks (
    site    TEXT NOT NULL,
    hash    BIGINT NOT NULL,
    article BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    alien   BIGINT NOT NULL,
    head    BIGINT NOT NULL,
    tail    BIGINT NOT NULL,
    PRIMARY KEY (article, hash)
){{by_key}};
CREATE INDEX site_blocks_hash ON site_blocks (site, hash);

-- What was decided about blocks. state is 'learned' (removed as boilerplate), 'lifted' (it proved to stand in too few
-- stories: removed no more) or 'kept' (a person says it is journalism). stories of of_stories is the evidence at the time; text is the beginning of the block, for people.
CREATE TABLE learned_blocks (
    id         {{key}},
    site       TEXT NOT NULL,
    hash       BIGINT NOT NULL,
    state      TEXT NOT NULL,
    learned    BIGINT NOT NULL,
    stories    BIGINT NOT NULL,
    of_stories BIGINT NOT NULL,
    text       TEXT NOT NULL,
    UNIQUE (site, hash)
);
