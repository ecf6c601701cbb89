-- +goose Up
-- passes is 1 for messages about Wirewatch itself (health, tests): they do not wait behind matches that are being held.
ALTER TABLE deliveries ADD COLUMN passes BIGINT NOT NULL DEFAULT 0;
CREATE INDEX deliveries_passing ON deliveries (channel, pos) WHERE state = 'open' AND passes = 1;

-- Since when a feed has failed, poll after poll; 0: its last poll was good.
ALTER TABLE feeds ADD COLUMN failing_since BIGINT NOT NULL DEFAULT 0;

-- What the operator was told last of each thing that Wirewatch lives on ("feed:NAME", "site:HOST", "channel:NAME"). trouble is one
-- word, '' while it is well; seq counts the messages about it, and is the seq of their alerts.
CREATE TABLE conditions (
    subject TEXT PRIMARY KEY,
    trouble TEXT NOT NULL,
    since   BIGINT NOT NULL,
    seq     BIGINT NOT NULL
);

-- Where blocks of text were seen, anew: one row an article, its fingerprints packed into one value (see packPrints), so that an article
-- writes one page instead of one a block. What was seen before is forgotten; what was decided stays in learned_blocks.
DROP TABLE site_blocks;
CREATE TABLE site_blocks (
    site    TEXT NOT NULL,
    article BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    prints  {{blob}} NOT NULL,
    PRIMARY KEY (site, article)
){{by_key}};
CREATE INDEX site_blocks_article ON site_blocks (article);
